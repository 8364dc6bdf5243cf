/** Reading rows of the applied state. */
import { QuarryError } from "../../base/errors.ts";
import type { StateReader } from "../group/group.ts";
import { keys, type RowKey } from "../keyspace.ts";
import { decodeRow } from "../row-codec.ts";
import type { BucketRow } from "../rows.ts";
import type { ReadRow } from "../slices.ts";

export function read<Row>(state: StateReader, key: RowKey<Row>): Row | undefined {
  const stored = state.get(key);
  return stored === undefined ? undefined : decodeRow<Row>(key, stored);
}

export function readerOf(state: StateReader): ReadRow {
  return (key) => read(state, key);
}

/** @throws QuarryError `NoSuchBucket`. */
export function bucketRow(read: ReadRow, name: string): BucketRow {
  const row = read(keys.bucket(name));
  if (row === undefined) throw new QuarryError("NoSuchBucket", `there is no bucket ${name}`);
  return row;
}

/** @throws QuarryError `NoSuchBucket`. */
export function readBucket(state: StateReader, name: string): BucketRow {
  return bucketRow(readerOf(state), name);
}
