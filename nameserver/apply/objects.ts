/** A name gets new content, with versioning off, enabled or suspended. */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Command, CommandResult } from "../../rpc/commands.ts";
import type { ObjectAttributes } from "../../rpc/objects.ts";
import { keys } from "../keyspace.ts";
import type { NameRow } from "../rows.ts";
import { versionText } from "../version-id.ts";
import { claimBlob } from "./blobs.ts";
import { type OpenBucket, openBucket } from "./buckets.ts";
import { checkConditions, checkKey } from "./conditions.ts";
import type { ApplyContext } from "./context.ts";
import { checkStorageClass } from "./storage-classes.ts";
import { checkStream } from "./stream-index.ts";
import { putCurrent, supersede } from "./versions.ts";

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;
type VersionResult = Extract<CommandResult, { type: "version" }>;
/** What a name points at. */
export type NewContent = Pick<
  NameRow,
  "length" | "slices" | "content" | "parts" | "upload" | "list"
>;

export function versionResult(row: NameRow): VersionResult {
  const result: VersionResult = {
    type: "version",
    version: versionText(row),
    modifiedMs: row.ms,
  };
  return row.marker === true ? { ...result, deleteMarker: true } : result;
}

/** Makes content the latest version of a name. */
export function placeLatest(
  context: ApplyContext,
  bucket: OpenBucket,
  key: string,
  content: NewContent,
  attributes: ObjectAttributes,
  ms = context.timeMs,
): VersionResult {
  supersede(context, bucket, key);
  const { length, slices, parts, upload, list } = content;
  const row: NameRow = {
    seq: context.nextSequence(),
    ms,
    length,
    ...(slices !== undefined && { slices }),
    ...(content.content !== undefined && { content: content.content }),
    ...(bucket.versioning !== "enabled" && { isNull: true }),
    ...(parts !== undefined && { parts }),
    ...(upload !== undefined && { upload }),
    ...(list !== undefined && { list }),
    attributes,
  };
  putCurrent(context, bucket, key, row);
  bucket.checkQuota();
  return versionResult(row);
}

/** The list that makes a name a linked fid: a blob of its own, which goes with the name. */
export function claimList(
  context: ApplyContext,
  { list }: Pick<Of<"putObject">, "list">,
): Pick<NameRow, "list"> {
  if (list === undefined) return {};
  if (list.lengthBytes === 0 || list.registered + list.chunks.length !== 1)
    throw new QuarryError("InvalidArgument", "the list of a linked fid is one chunk");
  claimBlob(context, list);
  return { list: list.blob };
}

export function putObject(context: ApplyContext, command: Of<"putObject">): CommandResult {
  const { key, attributes } = command;
  checkKey(key);
  checkStorageClass(context, attributes.storageClass);
  checkStream(attributes.stream);
  const bucket = openBucket(context, command);
  const current = context.rows.get(keys.current(bucket.id, key));
  checkConditions(current, command.conditions);
  // S3 has larger objects in parts; a stream has none.
  const mostBytes = attributes.stream === undefined ? limits.putBytes : limits.objectBytes;
  const slices = claimBlob(context, command.content, mostBytes);
  const content = { length: command.content.lengthBytes, slices, ...claimList(context, command) };
  return placeLatest(context, bucket, key, content, attributes);
}
