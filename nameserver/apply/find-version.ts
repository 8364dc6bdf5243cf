/** Finding the version that a command speaks of, and whether it is the one that its giver looked at. */
import { QuarryError } from "../../base/errors.ts";
import type { VersionSequence } from "../../base/ids.ts";
import type { CopySource } from "../../rpc/commands.ts";
import { keys, type RowKey } from "../keyspace.ts";
import type { NameRow } from "../rows.ts";
import { parseVersion } from "../version-id.ts";
import type { ApplyContext } from "./context.ts";

/**
 * A version that has content, and the key of its row. Absent `version`: the current one.
 * @throws QuarryError `NoSuchKey`, `NoSuchVersion`; `InvalidArgument` for a delete marker;
 * `Changed` when it is not the one that was `seen`.
 */
export function findVersion(
  context: ApplyContext,
  bucket: number,
  key: string,
  version: string | undefined,
  seen: CopySource["seen"] | undefined,
): { readonly at: RowKey<NameRow>; readonly row: NameRow } {
  const at =
    version === undefined
      ? keys.current(bucket, key)
      : whereIs(context, bucket, key, parseVersion(version));
  const row = at === undefined ? undefined : context.rows.get(at);
  if (at === undefined || row === undefined)
    throw version === undefined
      ? new QuarryError("NoSuchKey", `there is no object ${key}`)
      : new QuarryError("NoSuchVersion", `there is no such version of ${key}`);
  if (row.marker === true)
    throw new QuarryError("InvalidArgument", "a delete marker has no content, no tags and no ACL");
  if (seen !== undefined && (seen.etag !== row.attributes.etag || seen.modifiedMs !== row.ms))
    throw new QuarryError("Changed", "the object was replaced meanwhile; try again");
  return { at, row };
}

/** Under which key a version stands, if it does. */
export function whereIs(
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
