/** From a name to the row of one of its versions. */
import { QuarryError } from "../../base/errors.ts";
import type { StateReader } from "../group/group.ts";
import { keys, namePrefix, prefixEnd } from "../keyspace.ts";
import { decodeRow } from "../row-codec.ts";
import type { NameRow } from "../rows.ts";
import { parseVersion } from "../version-id.ts";
import { read } from "./read.ts";

/** @throws QuarryError `InvalidArgument` for what is no version id, `NoSuchVersion`. */
export function findVersion(
  state: StateReader,
  bucket: number,
  key: string,
  text: string,
): NameRow {
  const version = parseVersion(text);
  const find = () => {
    if (version === "null") return nullVersion(state, bucket, key);
    const current = read(state, keys.current(bucket, key));
    const row =
      current?.seq === version ? current : read(state, keys.version(bucket, key, version));
    return row?.isNull === true ? undefined : row;
  };
  // A version that became current between the two reads is found by the second look.
  const row = find() ?? find();
  if (row === undefined)
    throw new QuarryError("NoSuchVersion", `there is no such version of ${key}`);
  return row;
}

export function nullVersion(state: StateReader, bucket: number, key: string): NameRow | undefined {
  const current = read(state, keys.current(bucket, key));
  if (current?.isNull === true) return current;
  const at = read(state, keys.nullVersion(bucket, key));
  return at === undefined ? undefined : read(state, keys.version(bucket, key, at.seq));
}

/** The delete marker that hides a name which has no current version, if one does. */
export async function hidingMarker(
  state: StateReader,
  bucket: number,
  key: string,
): Promise<NameRow | undefined> {
  const all = namePrefix("version", bucket, key);
  await using cursor = state.range(all, prefixEnd(all));
  const [entry] = await cursor.next(1);
  const newest = entry && decodeRow<NameRow>(entry.key, entry.value);
  return newest?.marker === true ? newest : undefined;
}
