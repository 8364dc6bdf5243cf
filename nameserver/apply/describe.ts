/**
 * Changing the description of a version in place: tags, ACL, what it is as a stream. Its content, its
 * place among the versions and its modification time stay.
 */
import type { Command, CommandResult } from "../../rpc/commands.ts";
import { keys } from "../keyspace.ts";
import { versionText } from "../version-id.ts";
import { changed, openBucket } from "./buckets.ts";
import { checkKey } from "./conditions.ts";
import type { ApplyContext } from "./context.ts";
import { findVersion } from "./find-version.ts";
import { checkStream, forgetStream, indexStream } from "./stream-index.ts";

/** @throws QuarryError `NoSuchKey`, `NoSuchVersion`; `Changed` when it is not the one that was seen. */
export function describeObject(
  context: ApplyContext,
  command: Extract<Command, { type: "describeObject" }>,
): CommandResult {
  const { key, version, seen, change } = command;
  checkKey(key);
  checkStream(change.stream);
  const bucket = openBucket(context, command);
  const { at, row } = findVersion(context, bucket.id, key, version, seen);
  const described = { ...row, attributes: changed(row.attributes, change) };
  context.rows.put(at, described);
  if (change.stream !== undefined && at === keys.current(bucket.id, key)) {
    forgetStream(context, bucket.id, row);
    indexStream(context, bucket.id, key, described);
  }
  return { type: "version", version: versionText(row), modifiedMs: row.ms };
}
