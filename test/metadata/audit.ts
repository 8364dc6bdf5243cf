/** Checks a whole state: counts, references, queues and the digest, each computed afresh. */
import type { BlobId, BlockId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { slicesOfPart } from "../../nameserver/apply/parts.ts";
import { unpackChunks } from "../../nameserver/chunk-codec.ts";
import type { StateReader } from "../../nameserver/group/group.ts";
import { KeyReader, keys, prefixEnd, prefixOf, type Tag, tags } from "../../nameserver/keyspace.ts";
import { read } from "../../nameserver/queries/read.ts";
import { type Digest, decodeRow, moveDigest } from "../../nameserver/row-codec.ts";
import type * as rows from "../../nameserver/rows.ts";
import type { Stored } from "../../nameserver/state-store.ts";
import { expect } from "./expect.ts";

export async function allOf(state: StateReader, tag: Tag): Promise<Stored[]> {
  await using cursor = state.range(prefixOf(tag), prefixEnd(prefixOf(tag)));
  return await cursor.next(1_000_000);
}

async function decoded<Row>(state: StateReader, tag: Tag): Promise<[string, Row][]> {
  return (await allOf(state, tag)).map(({ key, value }) => [key, decodeRow<Row>(key, value)]);
}

export async function audit(state: StateReader, digest: Digest): Promise<void> {
  await auditBuckets(state);
  await auditReferences(state);
  await auditSessions(state);
  let sum: Digest = { a: 0, b: 0 };
  for (const tag of Object.keys(tags) as Tag[])
    if (tag !== "meta")
      for (const { value } of await allOf(state, tag)) sum = moveDigest(sum, undefined, value);
  expect(digest).toEqual(sum);
}

async function auditBuckets(state: StateReader): Promise<void> {
  const current = await decoded<rows.NameRow>(state, "current");
  const versions = await decoded<rows.NameRow>(state, "version");
  const uploads = await decoded<rows.UploadRow>(state, "upload");
  const parts = await decoded<rows.PartRow>(state, "part");
  const nulls = await decoded<rows.NullVersionRow>(state, "nullVersion");
  for (const [, bucket] of await decoded<rows.BucketRow>(state, "bucket")) {
    const mine = <Row>(all: [string, Row][]) =>
      all.filter(([key]) => new KeyReader(key).u56() === bucket.id).map(([, row]) => row);
    const bytes = [...mine(current), ...mine(versions)].reduce((sum, row) => sum + row.length, 0);
    const { objects, versions: noncurrent, uploads: open, pendingBytes: pending = 0 } = bucket;
    const ids = uploads
      .filter(([key]) => new KeyReader(key).u56() === bucket.id)
      .map(([key]) => new KeyReader(key, key.length - 7).u56());
    const inParts = parts
      .filter(([key]) => ids.includes(new KeyReader(key).u56()))
      .reduce((sum, [, row]) => sum + row.length, 0);
    expect({ objects, noncurrent, bytes: bucket.bytes, open, pending }).toEqual({
      objects: mine(current).length,
      noncurrent: mine(versions).length,
      bytes,
      open: mine(uploads).length,
      pending: inParts,
    });
    expect(mine(nulls).length).toBe(mine(versions).filter((row) => row.isNull).length);
  }
  await auditOwners(state);
  auditOrder(current, versions, nulls);
}

/** What the row of an owner says is the sum of what the rows of the buckets say. */
async function auditOwners(state: StateReader): Promise<void> {
  const sums = new Map<string, Required<rows.OwnerRow>>();
  for (const [, bucket] of await decoded<rows.BucketRow>(state, "bucket")) {
    const { buckets, objects, bytes, pendingBytes } = sums.get(bucket.owner) ?? noBuckets;
    sums.set(bucket.owner, {
      buckets: buckets + 1,
      objects: objects + bucket.objects + bucket.versions,
      bytes: bytes + bucket.bytes,
      pendingBytes: pendingBytes + (bucket.pendingBytes ?? 0),
    });
  }
  const told = (await decoded<rows.OwnerRow>(state, "owner")).map(
    ([key, row]) => [new KeyReader(key).text(), { ...noBuckets, ...row }] as const,
  );
  expect(new Map(told)).toEqual(sums);
  expect((await allOf(state, "owned")).length).toBe((await allOf(state, "bucket")).length);
}

const noBuckets = { buckets: 0, objects: 0, bytes: 0, pendingBytes: 0 };

/** Where the versions of each name stand: see apply/versions.ts. */
function auditOrder(
  current: readonly [string, rows.NameRow][],
  versions: readonly [string, rows.NameRow][],
  nulls: readonly [string, rows.NullVersionRow][],
): void {
  const nameOf = (key: string, end = 0) => key.slice(1, key.length - end);
  const currents = new Map(current.map(([key, row]) => [nameOf(key), row]));
  const nullAt = new Map(nulls.map(([key, { seq }]) => [nameOf(key), seq]));
  let before: { name: string; seq: number } | undefined;
  for (const [key, row] of versions) {
    const name = nameOf(key, 7);
    const over = before?.name === name ? before : currents.get(name);
    if (over === undefined) expect(row.marker).toBe(true);
    else expect(over.seq).toBeGreaterThan(row.seq);
    if (row.isNull === true) {
      expect(nullAt.get(name)).toBe(row.seq);
      expect(currents.get(name)?.isNull).toBeUndefined();
    }
    before = { name, seq: row.seq };
  }
  for (const row of currents.values()) expect(row.marker).toBeUndefined();
}

async function auditReferences(state: StateReader): Promise<void> {
  const refs = new Map<number, number>();
  const contents = new Map<number, number>();
  const add = (map: Map<number, number>, id: number) => map.set(id, (map.get(id) ?? 0) + 1);
  const names = [
    ...(await decoded<rows.NameRow>(state, "current")),
    ...(await decoded<rows.NameRow>(state, "version")),
    ...(await decoded<rows.TrashRow>(state, "trash")).map(([, { row }]) => ["", row] as const),
  ];
  for (const [, row] of names) {
    for (const [blob, , length] of row.slices ?? []) if (length > 0) add(refs, blob);
    if (row.content !== undefined) add(contents, row.content);
  }
  for (const [, part] of await decoded<rows.PartRow>(state, "part"))
    for (const [blob, , length] of slicesOfPart(part)) if (length > 0) add(refs, blob);
  for (const [, page] of await decoded<rows.ContentPageRow>(state, "contentPage"))
    for (const [blob, , length] of page.slices) if (length > 0) add(refs, blob);
  for (const { key, value } of await allOf(state, "metadataCopy"))
    if (key !== keys.recovered()) add(refs, decodeRow<rows.MetadataCopyRow>(key, value).blob);
  for (const [key, content] of await decoded<rows.ContentRow>(state, "content"))
    expect(content.refs).toBe(contents.get(new KeyReader(key).u56()) ?? 0);
  await auditBlobs(state, refs);
  expect((await allOf(state, "trash")).length).toBe((await allOf(state, "dueQueue")).length);
}

/** Every result belongs to a session, and stands where its number says. */
async function auditSessions(state: StateReader): Promise<void> {
  const sessions = await decoded<rows.SessionRow>(state, "session");
  const ids = new Set(sessions.map(([key]) => new KeyReader(key).u56()));
  expect(read(state, keys.sessionCount())?.count ?? 0).toBe(ids.size);
  for (const [key, { results }] of await decoded<rows.SessionResultsRow>(state, "sessionResults")) {
    const reader = new KeyReader(key);
    expect(ids.has(reader.u56())).toBe(true);
    const slots = results.map(([sequence]) => sequence % limits.sessionWindow);
    expect(slots.length).toBeGreaterThan(0);
    expect(slots).toEqual([...new Set(slots)].sort((a, b) => a - b));
    const row = reader.u32();
    for (const slot of slots) expect(Math.floor(slot / limits.sessionRowSlots)).toBe(row);
  }
}

async function auditBlobs(state: StateReader, refs: Map<number, number>): Promise<void> {
  const collecting = new Set(
    (await allOf(state, "collectQueue")).map(({ key }) => new KeyReader(key, 8).u56()),
  );
  const use = new Map<BlockId, { needles: number; bytes: number }>();
  for (const [key, head] of await decoded<rows.BlobRow>(state, "blob")) {
    const blob = new KeyReader(key).u56() as BlobId;
    expect(head.refs).toBe(refs.get(blob) ?? 0);
    refs.delete(blob);
    const pending = head.pendingUntilMs !== undefined;
    expect(head.refs === 0).toBe(pending || collecting.has(blob));
    if (pending)
      expect(read(state, keys.pendingQueue(head.pendingUntilMs ?? 0, blob))).toBeDefined();
    const pages = (await decoded<rows.PageRow>(state, "page")).filter(
      ([pageKey]) => new KeyReader(pageKey).u56() === blob,
    );
    const chunks = head.inline
      ? unpackChunks(head.inline)
      : pages.flatMap(([, page]) => unpackChunks(page.chunks));
    expect(chunks.length).toBe(head.chunks);
    expect(chunks.reduce((sum, chunk) => sum + chunk.lengthBytes, 0)).toBe(head.length);
    for (const { block, lengthBytes } of chunks) {
      const { needles, bytes } = use.get(block) ?? { needles: 0, bytes: 0 };
      use.set(block, { needles: needles + 1, bytes: bytes + lengthBytes });
    }
  }
  expect([...refs]).toEqual([]); // every blob that is named has its row
  for (const [key, row] of await decoded<rows.BlockUseRow>(state, "blockUse")) {
    const block = new KeyReader(key).u32() as BlockId;
    expect(row).toEqual(use.get(block) ?? { needles: 0, bytes: 0 });
  }
}
