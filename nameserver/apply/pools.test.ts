import { describe, expect, test } from "vitest";
import type { BlockId } from "../../base/ids.ts";
import { RANGE_BLOCKS } from "../../rpc/pool.ts";
import { ClusterState, deviceId } from "../../test/metadata/cluster-state.ts";
import { auditState } from "../audit/audit-state.ts";
import { keys, type RowKey } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import { encodeRow } from "../row-codec.ts";

const block = (number: number) => number as BlockId;
const addBlock = { type: "addBlock", generation: 1, members: [deviceId(0)] } as const;

async function problemsOf({ store }: ClusterState): Promise<string[]> {
  const problems: string[] = [];
  // Of the digest's own sum other tests tell.
  await auditState(store, { a: 0, b: 0 }, (text) => {
    if (!text.startsWith("the digest")) problems.push(text);
  });
  return problems;
}

describe("pools", () => {
  test("the first is there from the start, and numbers are not given twice", async () => {
    const state = new ClusterState();
    expect((await state.map()).pools).toMatchObject([{ id: 0, scheme: { k: 1, m: 0 } }]);
    const one = await state.pool("one", { scheme: { k: 4, m: 2 } });
    await state.propose({ type: "removePool", pool: one });
    const two = await state.pool("two", {});
    expect([one, two]).toEqual([1, 2]);
    expect((await state.map()).pools.map(({ id }) => id)).toEqual([0, 2]);
    await expect(state.propose({ type: "removePool", pool: 0 })).rejects.toThrow("first pool");
    expect(await problemsOf(state)).toEqual([]);
  });

  test("another scheme brings its usual minimum, unless one is said", async () => {
    const state = new ClusterState();
    const pool = await state.pool("pool", { scheme: { k: 1, m: 2 } });
    const change = (to: object) => state.propose({ type: "changePool", pool, change: to });
    const now = async () => (await state.map()).pools.find(({ id }) => id === pool);
    expect(await now()).toMatchObject({ minMembers: 2, failureDomain: "osd", pgNum: 128 });
    await change({ scheme: { k: 4, m: 2 }, failureDomain: "host", deviceClass: "ssd" });
    expect(await now()).toMatchObject({ minMembers: 5, failureDomain: "host", deviceClass: "ssd" });
    await change({ minMembers: 4, deviceClass: null });
    expect(await now()).toMatchObject({ scheme: { k: 4, m: 2 }, minMembers: 4 });
    expect(await now()).not.toHaveProperty("deviceClass");
  });

  test("blocks have a size and a durability of their own, until these are taken back", async () => {
    const state = new ClusterState();
    const own = { blockBytes: 2 ** 28, durability: "interval" } as const;
    const pool = await state.pool("pool", own);
    const change = (to: object) => state.propose({ type: "changePool", pool, change: to });
    const now = async () => (await state.map()).pools.find(({ id }) => id === pool);
    await change({ pgNum: 16 });
    expect(await now()).toMatchObject(own);
    await change({ blockBytes: null });
    expect(await now()).toMatchObject({ durability: "interval" });
    expect(await now()).not.toHaveProperty("blockBytes");
  });

  test.each([
    [{ scheme: { k: 0, m: 1 } }],
    [{ scheme: { k: 4, m: 0 } }],
    [{ scheme: { k: 30, m: 3 } }],
    [{ scheme: { k: 1.5, m: 1 } }],
    [{ scheme: { k: 2, m: 1 }, minMembers: 1 }],
    [{ scheme: { k: 2, m: 1 }, minMembers: 4 }],
    [{ failureDomain: "planet" as "host" }],
    [{ pgNum: 100 }],
    [{ pgNum: 0 }],
    [{ deviceClass: "a b" }],
    [{ blockBytes: 1024 }],
    [{ blockBytes: 2 ** 31 }],
    [{ durability: "often" as "none" }],
  ])("%j is refused", async (settings) => {
    await expect(new ClusterState().pool("pool", settings)).rejects.toMatchObject({
      code: "InvalidArgument",
    });
  });

  test("block ids are of one pool, and a pool with blocks or a class stays", async () => {
    const state = new ClusterState();
    const [one, two] = [await state.pool("one", {}), await state.pool("two", {})];
    const first = block(RANGE_BLOCKS + 5);
    await state.propose({ ...addBlock, block: first, pool: one });
    const elsewhere = state.propose({ ...addBlock, block: block(RANGE_BLOCKS + 6), pool: two });
    await expect(elsewhere).rejects.toMatchObject({ code: "InvalidArgument" });
    const inFirst = state.propose({ ...addBlock, block: block(7), pool: two });
    await expect(inFirst).rejects.toMatchObject({ code: "InvalidArgument" });
    const nowhere = state.propose({ ...addBlock, block: block(9 * RANGE_BLOCKS), pool: 77 });
    await expect(nowhere).rejects.toMatchObject({ code: "NoSuchPool" });
    expect((await state.map()).ranges).toEqual([{ range: 1, pool: one }]);
    const remove = (pool: number) => state.propose({ type: "removePool", pool });
    await expect(remove(one)).rejects.toThrow("1 blocks");
    expect(await problemsOf(state)).toEqual([]);
    await state.propose({ type: "sealBlock", block: first, generation: 1 });
    await state.propose({ type: "settleBlock", block: first, generation: 1, afterMs: 0 });
    await state.propose({ type: "removeBlock", block: first, generation: 1 });
    await remove(one);
    const storageClass = { name: "COLD", small: 0, large: two, thresholdBytes: 1 };
    await state.propose({ type: "setStorageClass", storageClass });
    await expect(remove(two)).rejects.toThrow("storage class");
    await state.propose({ type: "removeStorageClass", name: "COLD" });
    await remove(two);
    expect(await problemsOf(state)).toEqual([]);
  });

  test("small objects are never cut into pieces", async () => {
    const state = new ClusterState();
    const pieces = await state.pool("pieces", { scheme: { k: 4, m: 2 } });
    const set = (small: number, large: number) =>
      state.propose({
        type: "setStorageClass",
        storageClass: { name: "STANDARD", small, large, thresholdBytes: 1 },
      });
    await expect(set(pieces, 0)).rejects.toMatchObject({ code: "InvalidArgument" });
    const cut = (pool: number) =>
      state.propose({ type: "changePool", pool, change: { scheme: { k: 2, m: 1 } } });
    await expect(cut(0)).rejects.toMatchObject({ code: "InvalidArgument" });
    const copies = await state.pool("copies", { scheme: { k: 1, m: 2 } });
    await set(copies, pieces);
    await cut(0);
    await expect(cut(copies)).rejects.toMatchObject({ code: "InvalidArgument" });
    expect(await problemsOf(state)).toEqual([]);
  });
});

test("a block that is found again is of the pool of its range, with its members by position", async () => {
  const state = new ClusterState();
  const pool = await state.pool("pool", { scheme: { k: 2, m: 1 } });
  const scheme = { k: 2, m: 1 };
  const three = [deviceId(0), null, deviceId(2)];
  const first = { block: block(RANGE_BLOCKS), generation: 1, scheme, members: three };
  await state.propose({ type: "addBlock", ...first, pool });
  const again = block(RANGE_BLOCKS + 1);
  const found = {
    type: "foundBlock",
    sealed: true,
    scheme,
    members: three,
    generation: 3,
  } as const;
  await state.propose({ ...found, block: again });
  await state.propose({ ...found, block: block(5 * RANGE_BLOCKS) });
  expect(read(state.store, keys.block(again))).toMatchObject({ pool, scheme, layout: "split" });
  expect((await state.map()).ranges.map((range) => range.pool)).toEqual([pool, 0]);
  expect(await problemsOf(state)).toEqual([]);
});

test("a block that was converted since the copy of the metadata is found as it is now", async () => {
  const state = new ClusterState();
  const [a, b, c] = [deviceId(0), deviceId(1), deviceId(2)];
  const at = block(7);
  const copies = { scheme: { k: 1, m: 1 }, members: [a, b] };
  await state.propose({ type: "addBlock", block: at, generation: 1, pool: 0, ...copies });
  const found = { type: "foundBlock", block: at, sealed: true } as const;
  await state.propose({ ...found, generation: 2, ...copies, members: [b, a] });
  expect(read(state.store, keys.block(at))).toMatchObject({ generation: 2, members: [a, b] });
  const scheme = { k: 2, m: 1 };
  const stripes = { layout: "striped", scheme, encoding: 9, members: [a, c, b] } as const;
  await state.propose({ ...found, generation: 3, ...stripes });
  expect(read(state.store, keys.block(at))).toMatchObject({ generation: 3, ...stripes });
});

test("the audit sees what does not fit together", async () => {
  const state = new ClusterState();
  await state.registerHosts(0, 1);
  const pool = await state.pool("pool", { scheme: { k: 1, m: 1 } });
  const at = { block: block(RANGE_BLOCKS), generation: 1, pool };
  const members = [deviceId(0), deviceId(1)];
  await state.propose({ type: "addBlock", ...at, scheme: { k: 1, m: 1 }, members });
  expect(await problemsOf(state)).toEqual([]);
  // As no command leaves it.
  const broken = async <Row>(key: RowKey<Row>, row: Row, said: string) => {
    const before = state.store.get(key);
    const keyBytes = Buffer.from(key, "latin1");
    await state.store.write([{ key, keyBytes, value: encodeRow(keyBytes, row) }]);
    expect((await problemsOf(state)).join("; ")).toContain(said);
    await state.store.write([{ key, keyBytes, ...(before && { value: before }) }]);
    expect(await problemsOf(state)).toEqual([]);
  };
  const poolRow = read(state.store, keys.pool(pool));
  const blockRow = read(state.store, keys.block(at.block));
  const device = read(state.store, keys.device(deviceId(0)));
  const map = read(state.store, keys.map());
  if (!poolRow || !blockRow || !device || !map) throw new Error("rows are missing");
  await broken(keys.pool(pool), { ...poolRow, blocks: 2 }, "pool 1 has 1 blocks and says 2");
  await broken(keys.pool(pool), { ...poolRow, largeOf: 1 }, "as many storage classes");
  await broken(keys.block(at.block), { ...blockRow, members: [deviceId(0)] }, "not the members");
  await broken(keys.block(at.block), { ...blockRow, pool: 0 }, "an id of another pool");
  await broken(keys.device(deviceId(0)), { ...device, number: 1 }, "two devices have one number");
  await broken(keys.device(deviceId(0)), { ...device, place: -99 }, "a place that is not there");
  await broken(keys.map(), { ...map, placeIds: 1 }, "two places have one id");
});
