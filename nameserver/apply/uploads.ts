/** Commands on multipart uploads, up to their completion. */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Command, CommandResult } from "../../rpc/commands.ts";
import { keys, type RowKey } from "../keyspace.ts";
import type { UploadRow } from "../rows.ts";
import { parseSequence, sequenceText } from "../version-id.ts";
import { claimBlob } from "./blobs.ts";
import { type OpenBucket, openBucket } from "./buckets.ts";
import { bareEtag, checkConditions, checkKey } from "./conditions.ts";
import type { ApplyContext } from "./context.ts";
import { type NewContent, placeLatest } from "./objects.ts";
import { putPartRow } from "./parts.ts";
import { checkStorageClass } from "./storage-classes.ts";
import { checkStream } from "./stream-index.ts";

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;

export interface OpenUpload {
  readonly bucket: OpenBucket;
  readonly id: number;
  readonly key: RowKey<UploadRow>;
  readonly row: UploadRow;
}

/** @throws QuarryError `NoSuchUpload`, `NoSuchBucket`. */
export function openUpload(
  context: ApplyContext,
  command: {
    readonly bucket: string;
    readonly bucketId?: number;
    readonly key: string;
    readonly upload: string;
  },
): OpenUpload {
  const bucket = openBucket(context, command);
  const id = parseSequence(command.upload);
  const key = keys.upload(bucket.id, command.key, id ?? 0);
  const row = id === undefined ? undefined : context.rows.get(key);
  if (id === undefined || row === undefined)
    throw new QuarryError("NoSuchUpload", "there is no such upload: it was completed or aborted");
  return { bucket, id, key, row };
}

export function createUpload(context: ApplyContext, command: Of<"createUpload">): CommandResult {
  const { key, initiator, attributes, checksumAlgorithm, checksumType } = command;
  checkKey(key);
  checkStorageClass(context, attributes.storageClass);
  checkStream(attributes.stream);
  const bucket = openBucket(context, command);
  const id = context.nextSequence();
  context.rows.put(keys.upload(bucket.id, key, id), {
    ms: context.timeMs,
    ...(initiator !== undefined && initiator !== attributes.owner && { initiator }),
    attributes,
    ...(checksumAlgorithm !== undefined && { checksumAlgorithm }),
    ...(checksumType !== undefined && { checksumType }),
  });
  bucket.count({ uploads: 1 });
  return { type: "upload", upload: sequenceText(id) };
}

export function putPart(context: ApplyContext, command: Of<"putPart">): CommandResult {
  const upload = openUpload(context, command);
  const { blob, lengthBytes } = command.content;
  claimBlob(context, command.content);
  return putPartRow(context, upload, command, { blob, length: lengthBytes });
}

/** Swaps the staged content in. What is left of the upload is cleaned up in bounded steps. */
export function completeUpload(
  context: ApplyContext,
  command: Of<"completeUpload">,
): CommandResult {
  const { key, etag, checksum } = command;
  const upload = openUpload(context, command);
  const { staged } = upload.row;
  if (staged === undefined || staged.count !== command.staged)
    throw new QuarryError("InvalidPart", "the parts to complete with are not all staged");
  checkConditions(context.rows.get(keys.current(upload.bucket.id, key)), command.conditions);
  if (staged.length > limits.objectBytes)
    throw new QuarryError("TooLarge", `an object has at most ${limits.objectBytes} bytes`);
  const content: NewContent = {
    length: staged.length,
    ...stagedContent(context, staged.content),
    parts: staged.count,
    upload: upload.id,
  };
  endUpload(context, upload);
  return placeLatest(context, upload.bucket, key, content, {
    ...upload.row.attributes,
    etag: bareEtag(etag),
    ...(checksum !== undefined && { checksum }),
  });
}

/** Few slices move into the name's row; many stay in their pages. */
function stagedContent({ rows }: ApplyContext, id: number): Pick<NewContent, "slices" | "content"> {
  const content = rows.get(keys.content(id));
  if (content === undefined) throw new QuarryError("InvalidPart", "the staged parts are gone");
  if (content.slices > limits.inlineSlices) {
    rows.put(keys.content(id), { ...content, refs: 1 });
    return { content: id };
  }
  const slices = rows.get(keys.contentPage(id, 0))?.slices ?? [];
  rows.delete(keys.contentPage(id, 0));
  rows.delete(keys.content(id));
  return { slices };
}

function endUpload(context: ApplyContext, { bucket, id, key, row }: OpenUpload): void {
  context.rows.delete(key);
  bucket.count({ uploads: -1, pendingBytes: -(row.bytes ?? 0) });
  context.rows.put(keys.dropQueue(context.nextSequence()), { kind: "upload", upload: id });
}

export function abortUpload(context: ApplyContext, command: Of<"abortUpload">): CommandResult {
  const upload = openUpload(context, command);
  endUpload(context, upload);
  const { staged } = upload.row;
  if (staged !== undefined) dropStaged(context, staged.content);
  return { type: "done" };
}

/** Gives up staged parts. */
export function dropStaged(context: ApplyContext, content: number): void {
  context.rows.put(keys.dropQueue(context.nextSequence()), { kind: "content", content });
}
