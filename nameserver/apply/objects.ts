/** Commands on names: put and delete, with versioning off, enabled or suspended. */
import type { VersionSequence } from "../../base/ids.ts";
import type { Command, CommandResult } from "../../rpc/commands.ts";
import type { ObjectAttributes } from "../../rpc/objects.ts";
import { keys } from "../keyspace.ts";
import type { NameRow } from "../rows.ts";
import { parseVersion, versionText } from "../version-id.ts";
import { claimBlob } from "./blobs.ts";
import { type OpenBucket, openBucket } from "./buckets.ts";
import { checkConditions, checkKey, checkRetention } from "./conditions.ts";
import type { ApplyContext } from "./context.ts";
import {
  noncurrentNull,
  promote,
  putCurrent,
  putNoncurrent,
  supersede,
  takeCurrent,
  takeNoncurrent,
  toTrash,
} from "./versions.ts";

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;
type VersionResult = Extract<CommandResult, { type: "version" }>;
/** What a name points at. */
export type NewContent = Pick<NameRow, "length" | "slices" | "content" | "parts" | "upload">;

function versionResult(row: NameRow): VersionResult {
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
  const { length, slices, parts, upload } = content;
  const row: NameRow = {
    seq: context.nextSequence(),
    ms,
    length,
    ...(slices !== undefined && { slices }),
    ...(content.content !== undefined && { content: content.content }),
    ...(bucket.versioning !== "enabled" && { isNull: true }),
    ...(parts !== undefined && { parts }),
    ...(upload !== undefined && { upload }),
    attributes,
  };
  putCurrent(context, bucket, key, row);
  bucket.checkQuota();
  return versionResult(row);
}

export function putObject(context: ApplyContext, command: Of<"putObject">): CommandResult {
  const { key, attributes } = command;
  checkKey(key);
  const bucket = openBucket(context, command.bucket);
  const current = context.rows.get(keys.current(bucket.id, key));
  checkConditions(current, command.conditions);
  const slices = claimBlob(context, command.content);
  const content = { length: command.content.lengthBytes, slices };
  return placeLatest(context, bucket, key, content, attributes);
}

export function deleteObject(
  context: ApplyContext,
  command: Of<"deleteObject">,
): CommandResult | Promise<CommandResult> {
  const { key, version } = command;
  checkKey(key);
  const bucket = openBucket(context, command.bucket);
  const current = context.rows.get(keys.current(bucket.id, key));
  checkConditions(current, command.conditions);
  if (version !== undefined)
    return deleteVersion(context, bucket, key, current, parseVersion(version));
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

async function deleteVersion(
  context: ApplyContext,
  bucket: OpenBucket,
  key: string,
  current: NameRow | undefined,
  version: VersionSequence | "null",
): Promise<CommandResult> {
  const is = (row: NameRow | undefined) =>
    version === "null" ? row?.isNull === true : row?.seq === version && row.isNull !== true;
  const fromCurrent = current !== undefined && is(current);
  const row = fromCurrent ? current : findNoncurrent(context, bucket, key, version);
  if (row === undefined || !is(row)) return { type: "done" };
  checkRetention(row, context.timeMs);
  if (fromCurrent) takeCurrent(context, bucket, key, row);
  else takeNoncurrent(context, bucket, key, row);
  toTrash(context, bucket, key, row);
  if (fromCurrent || current === undefined) await promote(context, bucket, key);
  return versionResult(row);
}

function findNoncurrent(
  context: ApplyContext,
  bucket: OpenBucket,
  key: string,
  version: VersionSequence | "null",
): NameRow | undefined {
  if (version === "null") return noncurrentNull(context, bucket, key);
  return context.rows.get(keys.version(bucket.id, key, version));
}
