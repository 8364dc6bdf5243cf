/** Listings of objects, of what can be undeleted, and of buckets. */
import { limits } from "../../base/limits.ts";
import type { ListReply, ListRequest, NameService } from "../../rpc/name-service.ts";
import type { BucketInfo } from "../../rpc/objects.ts";
import { bucketInfo } from "../apply/buckets.ts";
import type { StateReader } from "../group/group.ts";
import {
  KeyReader,
  keys,
  laterKey,
  namePrefix,
  prefixEnd,
  prefixOf,
  tags,
  textPrefix,
} from "../keyspace.ts";
import { decodeRow } from "../row-codec.ts";
import type { NameRow, TrashRow } from "../rows.ts";
import { objectInfo } from "./lookup.ts";
import { read, readBucket } from "./read.ts";
import { scanNames, startAfter } from "./scan-names.ts";

export async function list(state: StateReader, request: ListRequest): Promise<ListReply> {
  const { prefix, delimiter } = request;
  const limit = Math.max(0, Math.min(request.limit, limits.listKeys));
  const bucket = readBucket(state, request.bucket).id;
  const from = [startAfter("current", bucket, request)];
  const scan = { bucket, prefix, delimiter, from, limit: limit + 1 };
  const found = limit === 0 ? [] : await scanNames<NameRow>(state, scan);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    objects: page.flatMap((one) => (one.kind === "row" ? [objectInfo(one.name, one.row)] : [])),
    prefixes: page.flatMap((one) => (one.kind === "prefix" ? [one.prefix] : [])),
    truncated: found.length > limit,
    ...(last !== undefined && { last: last.kind === "row" ? last.name : last.prefix }),
  };
}

/** The newest held row of each name. */
export async function deleted(
  state: StateReader,
  request: Parameters<NameService["deleted"]>[0],
): Promise<{ key: string; lengthBytes: number; untilMs: number }[]> {
  const bucket = readBucket(state, request.bucket).id;
  const all = prefixOf("trash", bucket) + textPrefix(request.prefix);
  const limit = Math.max(0, Math.min(request.limit, limits.listKeys));
  const after = startAfter("trash", bucket, { ...request, delimiter: "" });
  const from = laterKey(after, all);
  const found: { key: string; lengthBytes: number; untilMs: number }[] = [];
  if (from >= prefixEnd(all)) return found;
  await using cursor = state.range(from, prefixEnd(all));
  while (found.length < limit) {
    const [entry] = await cursor.next(1);
    if (entry === undefined) break;
    const key = new KeyReader(entry.key, 8).text();
    const { dueMs, row } = decodeRow<TrashRow>(entry.key, entry.value);
    found.push({ key, lengthBytes: row.length, untilMs: dueMs });
    cursor.seek(prefixEnd(namePrefix("trash", bucket, key)));
  }
  return found;
}

export async function buckets(
  state: StateReader,
  owner: string,
  after: string,
  limit: number,
): Promise<BucketInfo[]> {
  const all = `${tags.owned}${textPrefix(owner)}\0\x01`;
  const from = after === "" ? all : prefixEnd(keys.owned(owner, after));
  await using cursor = state.range(from, prefixEnd(all));
  const entries = await cursor.next(Math.min(Math.max(1, limit), limits.bucketsPerUser));
  return entries.slice(0, Math.max(0, limit)).flatMap(({ key }) => {
    const name = new KeyReader(key, all.length).text();
    const row = read(state, keys.bucket(name));
    return row === undefined ? [] : [bucketInfo(name, row)];
  });
}
