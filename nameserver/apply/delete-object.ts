/** A name, or one version of it, is deleted, with versioning off, enabled or suspended. */
import type { Command, CommandResult } from "../../rpc/commands.ts";
import { keys, namePrefix } from "../keyspace.ts";
import type { NameRow } from "../rows.ts";
import { parseVersion } from "../version-id.ts";
import { type OpenBucket, openBucket } from "./buckets.ts";
import { checkConditions, checkKey, checkRetention } from "./conditions.ts";
import type { ApplyContext } from "./context.ts";
import { whereIs } from "./find-version.ts";
import { versionResult } from "./objects.ts";
import {
  promote,
  putNoncurrent,
  supersede,
  takeCurrent,
  takeNoncurrent,
  toTrash,
} from "./versions.ts";

type Deletion = Extract<Command, { type: "deleteObject" }>;

/** What is not there is deleted already, whatever the conditions. */
export function deleteObject(
  context: ApplyContext,
  command: Deletion,
): CommandResult | Promise<CommandResult> {
  const { key, version, conditions } = command;
  checkKey(key);
  const bucket = openBucket(context, command);
  if (version !== undefined) return deleteVersion(context, bucket, { ...command, version });
  if (conditions !== undefined) return deleteOnCondition(context, bucket, command);
  return deleteName(context, bucket, key);
}

function deleteName(context: ApplyContext, bucket: OpenBucket, key: string): CommandResult {
  supersede(context, bucket, key);
  if (bucket.versioning === undefined) return { type: "done" };
  const marker: NameRow = {
    seq: context.nextSequence(),
    ms: context.timeMs,
    length: 0,
    ...(bucket.versioning === "suspended" && { isNull: true }),
    marker: true,
    attributes: { etag: "" },
  };
  putNoncurrent(context, bucket, key, marker);
  return versionResult(marker);
}

/** The conditions are judged on the newest version, be it a delete marker. */
async function deleteOnCondition(
  context: ApplyContext,
  bucket: OpenBucket,
  { key, conditions }: Deletion,
): Promise<CommandResult> {
  const { rows } = context;
  const newest =
    rows.get(keys.current(bucket.id, key)) ??
    (await rows.first<NameRow>(namePrefix("version", bucket.id, key)))?.row;
  if (newest === undefined) return { type: "done" };
  checkConditions(newest, conditions);
  return deleteName(context, bucket, key);
}

async function deleteVersion(
  context: ApplyContext,
  bucket: OpenBucket,
  { key, version, conditions }: Deletion & { readonly version: string },
): Promise<CommandResult> {
  const { rows } = context;
  const hasCurrent = rows.get(keys.current(bucket.id, key)) !== undefined;
  const at = whereIs(context, bucket.id, key, parseVersion(version));
  const row = at && rows.get(at);
  if (row === undefined) return { type: "done" };
  checkConditions(row, conditions);
  checkRetention(row, context.timeMs);
  const wasCurrent = at === keys.current(bucket.id, key);
  if (wasCurrent) takeCurrent(context, bucket, key, row);
  else takeNoncurrent(context, bucket, key, row);
  toTrash(context, bucket, key, row);
  if (wasCurrent || !hasCurrent) await promote(context, bucket, key);
  return versionResult(row);
}
