/** Commands on names that are gone but held. */
import { QuarryError } from "../../base/errors.ts";
import type { VersionSequence } from "../../base/ids.ts";
import type { Command, CommandResult } from "../../rpc/commands.ts";
import type { SystemCommand } from "../command.ts";
import { KeyReader, keys, namePrefix } from "../keyspace.ts";
import type { NameRow, TrashRow } from "../rows.ts";
import { type OpenBucket, openBucket } from "./buckets.ts";
import { checkKey } from "./conditions.ts";
import type { ApplyContext } from "./context.ts";
import { placeLatest } from "./objects.ts";
import { promote, releaseContent, takeNoncurrent } from "./versions.ts";

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
  if (held === undefined) return await removeMarker(context, bucket, key);
  const { dueMs, row } = held.row;
  const sequence = new KeyReader(held.key, prefix.length).newestFirst();
  context.rows.delete(held.key);
  context.rows.delete(keys.dueQueue(dueMs, sequence));
  return placeLatest(context, bucket, key, row, row.attributes, row.ms);
}

/** Nothing is held: perhaps only a delete marker hides the newest version. */
async function removeMarker(
  context: ApplyContext,
  bucket: OpenBucket,
  key: string,
): Promise<CommandResult> {
  const latest = await context.rows.first<NameRow>(namePrefix("version", bucket.id, key));
  if (latest?.row.marker === true) {
    takeNoncurrent(context, bucket, key, latest.row);
    await promote(context, bucket, key);
  }
  if (context.rows.get(keys.current(bucket.id, key)) === undefined)
    throw new QuarryError("NoSuchKey", `nothing deleted is held under ${key}`);
  return { type: "done" };
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
