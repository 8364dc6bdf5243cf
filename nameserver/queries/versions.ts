/**
 * All versions of a bucket, by key, then newest first: `current` and `versions` walked as one. The
 * current version of a name is its newest; all others, delete markers too, stand in `versions`.
 */
import { limits } from "../../base/limits.ts";
import type { VersionListReply, VersionListRequest } from "../../rpc/name-service.ts";
import type { StateReader } from "../group/group.ts";
import { type Key, keys, namePrefix, prefixEnd, tags } from "../keyspace.ts";
import type { NameRow } from "../rows.ts";
import { parseVersion, sequenceText } from "../version-id.ts";
import { nullVersion } from "./find-version.ts";
import { objectInfo } from "./lookup.ts";
import { read, readBucket } from "./read.ts";
import { type Found, rollUp, scanNames, startAfter } from "./scan-names.ts";

type Version = VersionListReply["versions"][number];
type FoundRow = Extract<Found<NameRow>, { kind: "row" }>;

/** Rows before `seq` of the name `key` were on the pages before. */
interface Marker {
  readonly from: readonly Key[];
  readonly key: string;
  readonly seq: number;
}

/** `state` is of one moment: between two, versions move from one kind of row to the other. */
export async function versions(
  state: StateReader,
  request: VersionListRequest,
): Promise<VersionListReply> {
  const { prefix, delimiter } = request;
  const limit = Math.max(0, Math.min(request.limit, limits.listKeys));
  const bucket = readBucket(state, request.bucket).id;
  const marker = markerOf(state, bucket, request);
  // One more tells whether there are more; another may be the marker's own current row.
  const scan = { bucket, prefix, delimiter, from: marker.from, limit: limit + 2 };
  const found = limit === 0 ? [] : await scanNames<NameRow>(state, scan);
  const left = found.filter((one) => !isBefore(one, marker));
  const page = left.slice(0, limit);
  const rows: Version[] = [];
  for (const [i, one] of page.entries())
    if (one.kind === "row")
      rows.push({
        ...objectInfo(one.name, one.row),
        latest: await isLatest(state, bucket, one, page[i - 1]),
      });
  const last = page.at(-1);
  return {
    versions: rows,
    prefixes: page.flatMap((one) => (one.kind === "prefix" ? [one.prefix] : [])),
    truncated: left.length > limit,
    ...(last !== undefined && {
      last:
        last.kind === "prefix"
          ? { key: last.prefix, version: "" }
          : { key: last.name, version: sequenceText(last.row.seq) },
    }),
  };
}

function markerOf(
  state: StateReader,
  bucket: number,
  { prefix, delimiter, keyAfter: key, versionAfter }: VersionListRequest,
): Marker {
  if (key !== "" && versionAfter !== "" && rollUp(key, prefix, delimiter) === undefined) {
    const version = parseVersion(versionAfter);
    const seq = version === "null" ? nullVersion(state, bucket, key)?.seq : version;
    // Where a null version stood that is gone by now is not known: all of the key comes again.
    if (seq === undefined)
      return { from: [keys.current(bucket, key), namePrefix("version", bucket, key)], key, seq: 0 };
    const behind = prefixEnd(keys.version(bucket, key, seq));
    return { from: [keys.current(bucket, key), behind], key, seq };
  }
  const after = { prefix, delimiter, after: key };
  const from = (["current", "version"] as const).map((tag) => startAfter(tag, bucket, after));
  return { from, key: "", seq: 0 };
}

/** The current row of the marker's name, when it was on an earlier page or is newer than that. */
function isBefore(one: Found<NameRow>, { key, seq }: Marker): boolean {
  if (seq === 0 || one.kind === "prefix" || one.name !== key) return false;
  return isCurrent(one) && one.row.seq >= seq;
}

function isCurrent(one: FoundRow): boolean {
  return one.key.startsWith(tags.current);
}

/** Of the rows in `versions` only a delete marker can be the latest: with no newer one before it. */
async function isLatest(
  state: StateReader,
  bucket: number,
  one: FoundRow,
  before: Found<NameRow> | undefined,
): Promise<boolean> {
  if (isCurrent(one)) return true;
  if (one.row.marker !== true || (before?.kind === "row" && before.name === one.name)) return false;
  if (before !== undefined) return true;
  // The first of a page may have newer ones on the page before.
  if (read(state, keys.current(bucket, one.name)) !== undefined) return false;
  await using newer = state.range(namePrefix("version", bucket, one.name), one.key);
  return (await newer.next(1)).length === 0;
}
