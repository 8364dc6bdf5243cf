/**
 * Changing the description of a version in place: tags, ACL. Its content, its place among the
 * versions and its modification time stay.
 */
import type { Command, CommandResult } from "../../rpc/commands.ts";
import { versionText } from "../version-id.ts";
import { changed, openBucket } from "./buckets.ts";
import { checkKey } from "./conditions.ts";
import type { ApplyContext } from "./context.ts";
import { findVersion } from "./find-version.ts";

/** @throws QuarryError `NoSuchKey`, `NoSuchVersion`; `Changed` when it is not the one that was seen. */
export function describeObject(
  context: ApplyContext,
  command: Extract<Command, { type: "describeObject" }>,
): CommandResult {
  const { key, version, seen, change } = command;
  checkKey(key);
  const bucket = openBucket(context, command);
  const { at, row } = findVersion(context, bucket.id, key, version, seen);
  context.rows.put(at, { ...row, attributes: changed(row.attributes, change) });
  return { type: "version", version: versionText(row), modifiedMs: row.ms };
}
