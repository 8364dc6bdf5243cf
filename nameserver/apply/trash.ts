/** Commands on names that are gone but held. */
import { QuarryError } from "../../base/errors.ts";
import type { VersionSequence } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Command, CommandResult } from "../../rpc/commands.ts";
import type { SystemCommand } from "../command.ts";
import { KeyReader, keys, namePrefix } from "../keyspace.ts";
import type { NameRow, TrashRow } from "../rows.ts";
import { indexOf } from "../version-id.ts";
import { type OpenBucket, openBucket } from "./buckets.ts";
import { checkKey } from "./conditions.ts";
import type { ApplyContext } from "./context.ts";
import { placeLatest } from "./objects.ts";
import { promote, putNoncurrent, releaseContent, takeNoncurrent } from "./versions.ts";

export async function undelete(
  context: ApplyContext,
  command: Extract<Command, { type: "undelete" }>,
): Promise<CommandResult> {
  const { key } = command;
  checkKey(key);
  const bucket = openBucket(context, command);
  if (context.rows.get(keys.current(bucket.id, key)) !== undefined)
    throw new QuarryError(
      "InvalidArgument",
      `${key} exists; delete or rename it before bringing back an older one`,
    );
  const prefix = namePrefix("trash", bucket.id, key);
  const held = await context.rows.first<TrashRow>(prefix);
  const sequence = held && new KeyReader(held.key, prefix.length).newestFirst();
  if (await unhide(context, bucket, key, sequence ?? 0)) return { type: "done" };
  if (held === undefined || sequence === undefined)
    throw new QuarryError("NoSuchKey", `nothing deleted is held under ${key}`);
  const { dueMs, row } = held.row;
  context.rows.delete(held.key);
  context.rows.delete(keys.dueQueue(dueMs, sequence));
  return placeLatest(context, bucket, key, row, row.attributes, row.ms);
}

/**
 * Takes away the delete markers that hide a version, when hiding it was the last that was done: by
 * commands later than the one that drew `since`. Otherwise they stay.
 */
async function unhide(
  context: ApplyContext,
  bucket: OpenBucket,
  key: string,
  since: number,
): Promise<boolean> {
  const taken: NameRow[] = [];
  while (taken.length <= limits.markersUndone) {
    const newest = await context.rows.first<NameRow>(namePrefix("version", bucket.id, key));
    if (newest === undefined) break;
    const { row } = newest;
    if (row.marker !== true) {
      if (taken.length === 0) break;
      await promote(context, bucket, key);
      return true;
    }
    if (indexOf(row.seq) <= indexOf(since)) break;
    takeNoncurrent(context, bucket, key, row);
    taken.push(row);
  }
  for (const row of taken) putNoncurrent(context, bucket, key, row);
  return false;
}

export function expireTrash(
  context: ApplyContext,
  { items }: Extract<SystemCommand, { type: "expireTrash" }>,
): CommandResult {
  for (const { dueMs, sequence } of items) {
    const dueKey = keys.dueQueue(dueMs, sequence);
    const due = context.rows.get(dueKey);
    if (due === undefined || dueMs > context.timeMs) continue;
    const trashKey = keys.trash(due.bucket, due.key, sequence as VersionSequence);
    const held = context.rows.get(trashKey);
    if (held !== undefined) releaseContent(context, held.row);
    context.rows.delete(trashKey);
    context.rows.delete(dueKey);
  }
  return { type: "done" };
}
