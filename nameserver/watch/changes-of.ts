/**
 * What a command means to watchers, told from the rows that it wrote: the same on every replica,
 * however the entries are gathered into runs there.
 */
import { isDeepStrictEqual } from "node:util";
import { assert } from "../../base/errors.ts";
import type { LogIndex } from "../../base/ids.ts";
import type { BucketFields, WatchedChange } from "../../rpc/watch-service.ts";
import { type Key, KeyReader, tags } from "../keyspace.ts";
import type { BucketRow, MapRow, NameRow } from "../rows.ts";
import type { Touched } from "../transaction.ts";
import { indexOf, versionText } from "../version-id.ts";

/** Of a bucket's row: what nobody sets. */
const notSet = new Set([
  "id",
  "createdMs",
  "objects",
  "versions",
  "bytes",
  "uploads",
  "pendingBytes",
]);

/** The changes of one command. */
export function changesOf(revision: LogIndex, touched: Touched): WatchedChange[] {
  const changes: WatchedChange[] = [];
  let buckets: Map<number, Key> | undefined;
  let written: [Key, NameRow | undefined][] | undefined;
  for (const [key, cell] of touched.cells) {
    switch (key.charAt(0)) {
      case tags.bucket: {
        const row = cell.row as BucketRow | undefined;
        if (row !== undefined) {
          buckets ??= new Map();
          buckets.set(row.id, key);
        }
        if (!cell.written) break;
        const before = touched.before(key) as BucketRow | undefined;
        const change = bucketChange(revision, key, before, row);
        if (change !== undefined) changes.push(change);
        break;
      }
      case tags.current:
      case tags.version:
        if (!cell.written || isRewritten(revision, key, cell.row, touched)) break;
        written ??= [];
        written.push([key, cell.row as NameRow | undefined]);
        break;
      case tags.map: {
        const row = cell.row as MapRow | undefined;
        const before = touched.before(key) as MapRow | undefined;
        if (!cell.written || row === undefined || row.epoch === before?.epoch) break;
        changes.push({ revision, type: "map", epoch: row.epoch });
        break;
      }
    }
  }
  if (written !== undefined) changes.push(...keyChanges(revision, written, buckets));
  return changes;
}

/** Whether a row was described anew as it was. New versions have new sequences. */
function isRewritten(revision: LogIndex, key: Key, row: unknown, touched: Touched): boolean {
  if (row === undefined || indexOf((row as NameRow).seq) === revision) return false;
  return isDeepStrictEqual(row, touched.before(key));
}

/** A key is told of once: what it shows counts for more than that the version before went. */
function keyChanges(
  revision: LogIndex,
  written: readonly (readonly [Key, NameRow | undefined])[],
  buckets: ReadonlyMap<number, Key> | undefined,
): Iterable<KeyChange> {
  const [only] = written;
  if (written.length === 1 && only !== undefined) {
    const change = keyChange(revision, ...only, buckets);
    return change === undefined ? [] : [change];
  }
  const shown = new Map<Key, KeyChange>();
  for (const [key, row] of written) {
    const change = keyChange(revision, key, row, buckets);
    if (change === undefined) continue;
    // bucket and name, without the tag and without what may stand behind
    const name = key.slice(1, key.indexOf("\0\x01", 8));
    const known = shown.get(name);
    if (known === undefined || rank[change.type] > rank[known.type]) shown.set(name, change);
  }
  return shown.values();
}

type KeyChange = Extract<WatchedChange, { readonly key: string }>;

const rank = { delete: 0, marker: 1, put: 2 } as const satisfies Record<KeyChange["type"], number>;

function keyChange(
  revision: LogIndex,
  at: Key,
  row: NameRow | undefined,
  buckets: ReadonlyMap<number, Key> | undefined,
): KeyChange | undefined {
  const isCurrent = at.charAt(0) === tags.current;
  if (!isCurrent && row?.marker !== true) return undefined;
  const reader = new KeyReader(at);
  const bucketKey = buckets?.get(reader.u56());
  assert(bucketKey !== undefined, "a command that changes a name has looked at its bucket");
  const bucket = new KeyReader(bucketKey).text();
  const key = reader.text();
  if (row === undefined) return { revision, type: "delete", bucket, key };
  return isCurrent
    ? putOf(revision, bucket, key, row)
    : { revision, type: "marker", bucket, key, version: versionText(row) };
}

export function putOf(revision: LogIndex, bucket: string, key: string, row: NameRow): KeyChange {
  const { length: lengthBytes, attributes } = row;
  assert(typeof attributes.etag === "string", "an object has an ETag");
  const version = versionText(row);
  return { revision, type: "put", bucket, key, version, etag: attributes.etag, lengthBytes };
}

function bucketChange(
  revision: LogIndex,
  key: Key,
  before: BucketRow | undefined,
  after: BucketRow | undefined,
): WatchedChange | undefined {
  if (before === undefined && after === undefined) return undefined;
  if (before !== undefined && after !== undefined && isOnlyCounted(before, after)) return undefined;
  const bucket = new KeyReader(key).text();
  if (after === undefined) return { revision, type: "bucketRemoved", bucket };
  if (before === undefined) return bucketMade(revision, bucket, after);
  return { revision, type: "bucketChanged", bucket, fields: difference(before, after) };
}

/** Commands that move counters take over the settings as they are: no need to look into them. */
function isOnlyCounted(before: BucketRow, after: BucketRow): boolean {
  for (const field in after)
    if (!isSame(before, after, field as keyof BucketRow) && !notSet.has(field)) return false;
  for (const field in before) if (!(field in after) && !notSet.has(field)) return false;
  return true;
}

function isSame(before: BucketRow, after: BucketRow, field: keyof BucketRow): boolean {
  const one = before[field];
  const other = after[field];
  return one === other || (typeof one === "object" && isDeepStrictEqual(one, other));
}

function difference(before: BucketRow, after: BucketRow): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const field of Object.keys(before)) if (!(field in after)) fields[field] = null;
  for (const field of Object.keys(after))
    if (!notSet.has(field) && !isSame(before, after, field as keyof BucketRow))
      fields[field] = after[field as keyof BucketRow];
  return fields;
}

export function bucketMade(revision: LogIndex, bucket: string, row: BucketRow): WatchedChange {
  const set = Object.entries(row).filter(([field]) => !notSet.has(field));
  const fields: BucketFields = Object.fromEntries(set);
  return { revision, type: "bucketMade", bucket, fields };
}
