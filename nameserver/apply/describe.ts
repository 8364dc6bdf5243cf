/**
 * Changing the description of a version in place: tags, ACL. Its content, its place among the
 * versions and its modification time stay.
 */
import { QuarryError } from "../../base/errors.ts";
import type { VersionSequence } from "../../base/ids.ts";
import type { Command, CommandResult } from "../../rpc/commands.ts";
import { keys, type RowKey } from "../keyspace.ts";
import type { NameRow } from "../rows.ts";
import { parseVersion, versionText } from "../version-id.ts";
import { changed, openBucket } from "./buckets.ts";
import { checkKey } from "./conditions.ts";
import type { ApplyContext } from "./context.ts";

type DescribeObject = Extract<Command, { type: "describeObject" }>;

/** @throws QuarryError `NoSuchKey`, `NoSuchVersion`; `Busy` when it is not the one that was seen. */
export function describeObject(context: ApplyContext, command: DescribeObject): CommandResult {
  const { key, version, seen, change } = command;
  checkKey(key);
  const bucket = openBucket(context, command.bucket);
  const at =
    version === undefined
      ? keys.current(bucket.id, key)
      : whereIs(context, bucket.id, key, parseVersion(version));
  const row = at === undefined ? undefined : context.rows.get(at);
  if (at === undefined || row === undefined)
    throw version === undefined
      ? new QuarryError("NoSuchKey", `there is no object ${key}`)
      : new QuarryError("NoSuchVersion", `there is no such version of ${key}`);
  if (row.marker === true)
    throw new QuarryError("InvalidArgument", "a delete marker has no tags and no ACL");
  if (seen !== undefined && (seen.etag !== row.attributes.etag || seen.modifiedMs !== row.ms))
    throw new QuarryError("Busy", "the object was replaced meanwhile; try again");
  context.rows.put(at, { ...row, attributes: changed(row.attributes, change) });
  return { type: "version", version: versionText(row), modifiedMs: row.ms };
}

/** Under which key a version stands. */
function whereIs(
  { rows }: ApplyContext,
  bucket: number,
  key: string,
  version: VersionSequence | "null",
): RowKey<NameRow> | undefined {
  const current = rows.get(keys.current(bucket, key));
  if (version === "null") {
    if (current?.isNull === true) return keys.current(bucket, key);
    const at = rows.get(keys.nullVersion(bucket, key));
    return at === undefined ? undefined : keys.version(bucket, key, at.seq);
  }
  if (current?.seq === version)
    return current.isNull === true ? undefined : keys.current(bucket, key);
  const noncurrent = keys.version(bucket, key, version);
  return rows.get(noncurrent)?.isNull === true ? undefined : noncurrent;
}
