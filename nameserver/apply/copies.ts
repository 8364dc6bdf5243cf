/**
 * Copies: another name, or a part, gets the content of an object. No bytes are moved: every blob,
 * or the content that has them in pages, gets another holder.
 */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Command, CommandResult, CopySource } from "../../rpc/commands.ts";
import { keys } from "../keyspace.ts";
import type { NameRow } from "../rows.ts";
import { cutSlices } from "../slices.ts";
import { holdBlob } from "./blobs.ts";
import { changed, type OpenBucket, openBucket } from "./buckets.ts";
import { checkConditions, checkKey } from "./conditions.ts";
import type { ApplyContext } from "./context.ts";
import { findVersion } from "./find-version.ts";
import { claimList, placeLatest } from "./objects.ts";
import { holdPart, putPartRow } from "./parts.ts";
import { checkStorageClass } from "./storage-classes.ts";
import { checkStream } from "./stream-index.ts";
import { openUpload } from "./uploads.ts";
import { holdContent } from "./versions.ts";

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;

function sourceOf(context: ApplyContext, source: CopySource): NameRow {
  const { key, version, seen } = source;
  checkKey(key);
  return findVersion(context, openBucket(context, source).id, key, version, seen).row;
}

/** @throws QuarryError `Changed` when the source is not what the caller was allowed to read. */
export function copyObject(context: ApplyContext, command: Of<"copyObject">): CommandResult {
  const { key, change } = command;
  checkKey(key);
  checkStorageClass(context, change.storageClass);
  checkStream(change.stream);
  const bucket = openBucket(context, command);
  const current = context.rows.get(keys.current(bucket.id, key));
  checkConditions(current, command.conditions);
  const source = sourceOf(context, command.source);
  holdContent(context, source);
  const { length, slices, content, parts } = source;
  const { etag } = source.attributes;
  const attributes = { ...changed(source.attributes, change), etag };
  const { version, modifiedMs } = placeLatest(
    context,
    bucket,
    key,
    {
      length,
      ...(slices !== undefined && { slices }),
      ...(content !== undefined && { content }),
      // With a checksum of its own it is one run of bytes: those of the parts are of another kind.
      ...(parts !== undefined && change.checksum === undefined && { parts }),
      ...listOf(context, command, bucket, source, current),
    },
    attributes,
  );
  const { checksum } = attributes;
  return {
    type: "copied",
    version,
    modifiedMs,
    etag,
    ...(checksum !== undefined && { checksum }),
  };
}

/**
 * A linked fid that is copied onto itself, as S3 describes an object anew, stays one. Where the version
 * before is kept, that one is it: a list has one name, so that it goes with the fid.
 */
function listOf(
  context: ApplyContext,
  command: Of<"copyObject">,
  { versioning }: OpenBucket,
  { list, seq, isNull }: NameRow,
  current: NameRow | undefined,
): Pick<NameRow, "list"> {
  if (command.list !== undefined) return claimList(context, command);
  const isItself = current?.seq === seq && isNull === true && versioning !== "enabled";
  if (list === undefined || !isItself) return {};
  holdBlob(context, list);
  return { list };
}

export function putPartCopy(context: ApplyContext, command: Of<"putPartCopy">): CommandResult {
  const upload = openUpload(context, command);
  const source = sourceOf(context, command.source);
  const range = command.range ?? { offset: 0, lengthBytes: source.length };
  const { offset, lengthBytes } = range;
  const within = Number.isSafeInteger(offset) && Number.isSafeInteger(lengthBytes);
  if (!within || offset < 0 || lengthBytes < 0 || offset + lengthBytes > source.length)
    throw new QuarryError("InvalidArgument", `the source has ${source.length} bytes`);
  if (lengthBytes > limits.putBytes)
    throw new QuarryError("TooLarge", `one part has at most ${limits.putBytes} bytes`);
  const slices = cutSlices((key) => context.rows.get(key), source, range);
  const row = { slices, length: lengthBytes };
  holdPart(context, row);
  return putPartRow(context, upload, command, row);
}
