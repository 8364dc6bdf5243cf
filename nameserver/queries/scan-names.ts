/**
 * Walks over names in UTF-8 order and rolls up those that share a prefix up to a delimiter. Behind
 * a rolled-up prefix it seeks, so the cost follows what is returned, not what is there.
 */
import type { StateReader } from "../group/group.ts";
import {
  type Key,
  laterKey,
  nameOf,
  prefixEnd,
  prefixOf,
  type Tag,
  textPrefix,
  u56,
} from "../keyspace.ts";
import { decodeRow } from "../row-codec.ts";
import type { Stored } from "../state-store.ts";
import { MergedCursor, type Place, placeOf } from "./merged-cursor.ts";

export type Found<Row> =
  | { readonly kind: "row"; readonly key: Key; readonly name: string; readonly row: Row }
  | { readonly kind: "prefix"; readonly prefix: string };

export interface NameScan {
  readonly bucket: number;
  readonly prefix: string;
  /** Empty: none. */
  readonly delimiter: string;
  /** Where to begin at the earliest: one key for each kind of row that is walked. */
  readonly from: readonly Key[];
  readonly limit: number;
}

/** Entries read at first behind a seek; doubled while nothing is rolled up. */
const FIRST_READ = 2;
const MOST_READ = 1024;

/** The common prefix that a name is rolled up into, if any. */
export function rollUp(name: string, prefix: string, delimiter: string): string | undefined {
  if (delimiter === "" || !name.startsWith(prefix)) return undefined;
  const at = name.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : name.slice(0, at + delimiter.length);
}

/** Up to `limit` rows and prefixes. */
export async function scanNames<Row>(state: StateReader, scan: NameScan): Promise<Found<Row>[]> {
  const { bucket, prefix, delimiter, limit } = scan;
  const all = u56(bucket) + textPrefix(prefix);
  const end = prefixEnd(all);
  const from = scan.from
    .map((key) => laterKey(key, key.slice(0, 1) + all))
    .filter((key) => placeOf(key) < end);
  const found: Found<Row>[] = [];
  if (from.length === 0 || limit === 0) return found;
  await using cursor = new MergedCursor(state, from, end);
  let count = delimiter === "" ? Math.min(limit, MOST_READ) : FIRST_READ;
  /** Names before this are part of a prefix that was returned already. */
  let skipTo: Place = "";
  while (found.length < limit) {
    const entries = await cursor.next(count);
    if (entries.length === 0) return found;
    count = Math.min(MOST_READ, count * 2);
    for (const entry of entries) {
      if (skipTo !== "" && placeOf(entry.key) < skipTo) continue;
      const one = foundAt<Row>(entry, prefix, delimiter);
      found.push(one);
      if (found.length >= limit) return found;
      if (one.kind === "prefix") skipTo = prefixEnd(u56(bucket) + textPrefix(one.prefix));
    }
    const last = entries.at(-1);
    if (last !== undefined && skipTo !== "" && placeOf(last.key) < skipTo) {
      if (skipTo >= end) return found;
      cursor.seek(skipTo);
      count = FIRST_READ;
    }
  }
  return found;
}

function foundAt<Row>(entry: Stored, prefix: string, delimiter: string): Found<Row> {
  const name = nameOf(entry.key);
  const rolled = rollUp(name, prefix, delimiter);
  if (rolled !== undefined) return { kind: "prefix", prefix: rolled };
  return { kind: "row", key: entry.key, name, row: decodeRow<Row>(entry.key, entry.value) };
}

/** Where a scan goes on that had come to `after`, a name or a prefix. */
export function startAfter(
  tag: Tag,
  bucket: number,
  request: { readonly prefix: string; readonly delimiter: string; readonly after: string },
): Key {
  const { after, prefix, delimiter } = request;
  if (after === "") return prefixOf(tag, bucket);
  const rolled = rollUp(after, prefix, delimiter);
  const head = prefixOf(tag, bucket);
  // Behind a prefix, or behind every row of the name (the end of a name is 00 01).
  if (rolled !== undefined) return prefixEnd(head + textPrefix(rolled));
  return prefixEnd(`${head}${textPrefix(after)}\0\x01`);
}
