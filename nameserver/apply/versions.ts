/**
 * Where the versions of a name stand. `current` holds the latest version when it is no delete
 * marker; `versions` all others, newest first; `trash` what was deleted or overwritten and is held.
 */

import { assert } from "../../base/errors.ts";
import { blockRules } from "../block-rules.ts";
import { keys, namePrefix } from "../keyspace.ts";
import type { NameRow } from "../rows.ts";
import { holdBlob, releaseBlob } from "./blobs.ts";
import type { OpenBucket } from "./buckets.ts";
import type { ApplyContext } from "./context.ts";
import { forgetStream, indexStream } from "./stream-index.ts";

export function putCurrent(
  context: ApplyContext,
  bucket: OpenBucket,
  key: string,
  row: NameRow,
): void {
  context.rows.put(keys.current(bucket.id, key), row);
  indexStream(context, bucket.id, key, row);
  bucket.count({ objects: 1, bytes: row.length });
}

export function putNoncurrent(
  { rows }: ApplyContext,
  bucket: OpenBucket,
  key: string,
  row: NameRow,
): void {
  rows.put(keys.version(bucket.id, key, row.seq), row);
  if (row.isNull === true) rows.put(keys.nullVersion(bucket.id, key), { seq: row.seq });
  bucket.count({ versions: 1, bytes: row.length });
}

export function takeCurrent(
  context: ApplyContext,
  bucket: OpenBucket,
  key: string,
  row: NameRow,
): void {
  context.rows.delete(keys.current(bucket.id, key));
  forgetStream(context, bucket.id, row);
  bucket.count({ objects: -1, bytes: -row.length });
}

export function takeNoncurrent(
  { rows }: ApplyContext,
  bucket: OpenBucket,
  key: string,
  row: NameRow,
): void {
  rows.delete(keys.version(bucket.id, key, row.seq));
  if (row.isNull === true) rows.delete(keys.nullVersion(bucket.id, key));
  bucket.count({ versions: -1, bytes: -row.length });
}

/** The null version, when it is not the current one. */
export function noncurrentNull(
  { rows }: ApplyContext,
  bucket: OpenBucket,
  key: string,
): NameRow | undefined {
  const at = rows.get(keys.nullVersion(bucket.id, key));
  return at === undefined ? undefined : rows.get(keys.version(bucket.id, key, at.seq));
}

/** Holds what a name pointed at until it is due. */
export function toTrash(
  context: ApplyContext,
  bucket: OpenBucket,
  key: string,
  row: NameRow,
): void {
  if (row.marker === true) return;
  // The face of a linked fid asks nobody but the list: it goes at once, and does not come back.
  const { list, ...held } = row;
  if (list !== undefined) releaseBlob(context, list);
  const sequence = context.nextSequence();
  const dueMs = blockRules.heldUntilMs(context.timeMs, context.settings.holdMs);
  context.rows.put(keys.trash(bucket.id, key, sequence), { dueMs, row: held });
  context.rows.put(keys.dueQueue(dueMs, sequence), { bucket: bucket.id, key });
}

/** Makes room for a new latest version: keeps or discards what is there as the versioning says. */
export function supersede(context: ApplyContext, bucket: OpenBucket, key: string): void {
  const current = context.rows.get(keys.current(bucket.id, key));
  if (current !== undefined) {
    takeCurrent(context, bucket, key, current);
    if (bucket.versioning === "enabled" || current.isNull !== true)
      putNoncurrent(context, bucket, key, current);
    else toTrash(context, bucket, key, current);
  }
  if (bucket.versioning !== "suspended") return;
  const replaced = noncurrentNull(context, bucket, key);
  if (replaced === undefined) return;
  takeNoncurrent(context, bucket, key, replaced);
  toTrash(context, bucket, key, replaced);
}

/** After the latest version went: the next one becomes current, unless it is a delete marker. */
export async function promote(
  context: ApplyContext,
  bucket: OpenBucket,
  key: string,
): Promise<void> {
  const next = await context.rows.first<NameRow>(namePrefix("version", bucket.id, key));
  if (next === undefined || next.row.marker === true) return;
  takeNoncurrent(context, bucket, key, next.row);
  putCurrent(context, bucket, key, next.row);
}

/** Holds what a name points at for another name. */
export function holdContent(context: ApplyContext, row: NameRow): void {
  for (const [blob, , length] of row.slices ?? []) if (length > 0) holdBlob(context, blob);
  if (row.content === undefined) return;
  const key = keys.content(row.content);
  const content = context.rows.get(key);
  assert(content !== undefined && content.refs > 0, "content is there while a name holds it");
  context.rows.put(key, { ...content, refs: content.refs + 1 });
}

/** Lets go of what a name pointed at. */
export function releaseContent(context: ApplyContext, row: NameRow): void {
  for (const [blob, , length] of row.slices ?? []) if (length > 0) releaseBlob(context, blob);
  if (row.content === undefined) return;
  const key = keys.content(row.content);
  const content = context.rows.get(key);
  assert(content !== undefined && content.refs > 0, "content is there while a name holds it");
  context.rows.put(key, { ...content, refs: content.refs - 1 });
  if (content.refs === 1)
    context.rows.put(keys.dropQueue(context.nextSequence()), {
      kind: "content",
      content: row.content,
    });
}
