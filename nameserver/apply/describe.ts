/**
 * Changing the description of a version in place: tags, ACL, user metadata, what it is as a stream. Its
 * content, its place among the versions and its modification time stay.
 */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Command, CommandResult } from "../../rpc/commands.ts";
import type { ObjectAttributes } from "../../rpc/objects.ts";
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
  const { key, version, seen, change, merge } = command;
  checkKey(key);
  checkStream(change.stream);
  const bucket = openBucket(context, command);
  const { at, row } = findVersion(context, bucket.id, key, version, seen);
  const described = { ...row, attributes: merged(changed(row.attributes, change), merge) };
  context.rows.put(at, described);
  if (change.stream !== undefined && at === keys.current(bucket.id, key)) {
    forgetStream(context, bucket.id, row);
    indexStream(context, bucket.id, key, described);
  }
  return { type: "version", version: versionText(row), modifiedMs: row.ms };
}

function merged(
  attributes: ObjectAttributes,
  merge: Readonly<Record<string, string>> | undefined,
): ObjectAttributes {
  const userMetadata = { ...attributes.userMetadata, ...merge };
  const sizes = Object.entries(userMetadata).map((pair) => Buffer.byteLength(pair.join("")));
  if (sizes.reduce((sum, bytes) => sum + bytes, 0) > limits.describedBytes)
    throw new QuarryError("TooLarge", `metadata has at most ${limits.describedBytes} bytes`);
  return merge === undefined ? attributes : { ...attributes, userMetadata };
}
