import { describe, expect, test } from "vitest";
import { QuarryError } from "../base/errors.ts";
import type { BlockId, DeviceId } from "../base/ids.ts";
import type { BlockAddress, BlockPiece, DeviceStatus } from "../rpc/block-service.ts";
import { type ClusterMap, emptyMap } from "../rpc/cluster-map.ts";
import { filled } from "../rpc/name-service.ts";
import { NotLeader } from "../rpc/not-leader.ts";
import { placementOf } from "../rpc/placement.ts";
import type { BlockKeeping } from "../rpc/pool.ts";
import { ClusterState, deviceId } from "../test/metadata/cluster-state.ts";
import { FakeBlocks } from "../test/metadata/fake-blocks.ts";
import type { Group } from "./group/group.ts";
import { keys } from "./keyspace.ts";
import { OpenBlocks } from "./open-blocks.ts";
import { read } from "./queries/read.ts";

const one = "one" as DeviceId;
const first = { block: 1 as BlockId, generation: 1 };

class Devices extends FakeBlocks {
  readonly states = new Map<DeviceId, DeviceStatus["state"]>();
  readonly pieces: (BlockAddress & { piece: BlockPiece | undefined })[] = [];
  /** Of the block made last. */
  keeping: BlockKeeping | undefined;
  /** They take no new blocks, though they say that they are well. */
  readonly broken = new Set<DeviceId>();

  override async devices() {
    const all = await super.devices();
    return all.map(
      (status) => ({ ...status, state: this.states.get(status.device) ?? "ok" }) as never,
    );
  }

  override async createBlock(address: BlockAddress, piece?: BlockPiece, keeping?: BlockKeeping) {
    if (this.broken.has(address.device)) throw new QuarryError("DiskFailed", "broken");
    this.pieces.push({ ...address, piece });
    this.keeping = keeping;
    await super.createBlock(address);
  }

  override async sealBlock(address: BlockAddress) {
    if (this.states.get(address.device) === "down") throw new QuarryError("Unavailable", "down");
    return await super.sealBlock(address);
  }
}

function groupOn({ store, propose }: ClusterState) {
  return { state: store, propose, readBarrier: async () => {}, term: 1, isLeader: true };
}

function openBlocks(
  group: object,
  blocks: FakeBlocks,
  map: () => Promise<ClusterMap> = async () => emptyMap,
  isHarmed: (block: BlockId) => boolean = () => false,
): OpenBlocks {
  let nowMs = 0;
  // Every look is a new one.
  const monotonicMs = () => (nowMs += 10_000);
  const clock = { nowMs: () => 1_000, monotonicMs, after: () => ({ cancel: () => {} }) };
  const report = () => undefined;
  return new OpenBlocks({
    group: group as Group,
    blocks,
    map,
    clock,
    report,
    perDevice: 1,
    isHarmed,
  });
}

/** `hosts` of two devices each, with one pool. */
async function cluster(hosts: number, k: number, m: number) {
  const state = new ClusterState();
  await state.registerHosts(0, hosts - 1);
  const pool = await state.pool("some", { scheme: { k, m }, failureDomain: "host" });
  const blocks = new Devices(...Array.from({ length: 2 * hosts }, (_, i) => deviceId(i)));
  const group = groupOn(state);
  let known = await state.map();
  const map = async () => {
    const now = await state.map();
    if (now.epoch !== known.epoch) known = now;
    return known;
  };
  return { state, pool, blocks, map, group, opened: openBlocks(group, blocks, map) };
}

describe("open blocks", () => {
  test("an empty block that only a later leader knows stays when the one before takes stock", async () => {
    const blocks = new FakeBlocks(one);
    await blocks.createBlock({ device: one, ...first });
    const deposed = groupOn(new ClusterState());
    const refuse = () => Promise.reject(new NotLeader("another one leads", undefined));
    await openBlocks({ ...deposed, propose: refuse }, blocks).sealLeftovers();
    expect(blocks.held.get(one)?.has(first.block)).toBe(true);
  });

  test("what a crash left goes, and cannot be added behind its back", async () => {
    const blocks = new FakeBlocks(one);
    await blocks.createBlock({ device: one, ...first });
    const group = groupOn(new ClusterState());
    await openBlocks(group, blocks).sealLeftovers();
    expect(blocks.held.get(one)?.size).toBe(0);
    const late = group.propose({ type: "addBlock", ...first, pool: 0, members: [one] });
    await expect(late).rejects.toMatchObject({ code: "StaleGeneration" });
  });

  test("without a device that lets a client wait, when they lack no member for it", async () => {
    const { pool, opened } = await cluster(5, 2, 1);
    const usual = await opened.get(pool);
    const [avoided] = filled(usual[0]?.members ?? []);
    if (avoided === undefined) throw new Error("blocks have members");
    const others = await opened.without(pool, [avoided]);
    expect(others.length).toBeGreaterThan(0);
    for (const { members } of others) {
      expect(filled(members)).toHaveLength(3);
      expect(members).not.toContain(avoided);
    }
    // What is there already is given as it is.
    expect(await opened.without(pool, [avoided])).toHaveLength(others.length);
    // Of three hosts all are needed.
    const three = await cluster(3, 2, 1);
    const host = [0, 1].map(deviceId);
    expect(await three.opened.without(three.pool, host)).toEqual([]);
    expect((await three.opened.get(three.pool)).length).toBeGreaterThan(0);
  });

  test("a block that is in use cannot be abandoned", async () => {
    const group = groupOn(new ClusterState());
    await group.propose({ type: "addBlock", ...first, pool: 0, members: [one] });
    const abandoning = group.propose({ type: "abandonBlock", ...first });
    await expect(abandoning).rejects.toThrow(QuarryError);
  });

  test("an id that another leader took meanwhile is passed over", async () => {
    const blocks = new FakeBlocks(one);
    const group = groupOn(new ClusterState());
    const opened = openBlocks(group, blocks);
    await opened.sealLeftovers();
    const [before] = await openBlocks(groupOn(new ClusterState()), new FakeBlocks(one)).get(0);
    const taken = before?.block ?? first.block;
    await group.propose({ type: "addBlock", block: taken, generation: 1, pool: 0, members: [one] });
    const found = await opened.get(0);
    expect(found).toHaveLength(1);
    expect(found[0]?.block).not.toBe(taken);
  });

  test("devices that nobody registered have their share of the first pool", async () => {
    const three = ["a", "b", "c"] as DeviceId[];
    const found = await openBlocks(groupOn(new ClusterState()), new FakeBlocks(...three)).get(0);
    expect(found.flatMap(({ members }) => members).sort()).toEqual(three);
  });
});

describe("open blocks of a pool", () => {
  test("stand where CRUSH says, in the pool's own ids, each member with its piece", async () => {
    const { pool, blocks, map, opened } = await cluster(8, 4, 2);
    const found = await opened.get(pool);
    expect(found.length).toBeGreaterThan(1);
    const placement = placementOf(await map());
    for (const { block, members, scheme, layout } of found) {
      expect(placement.poolOf(block)?.id).toBe(pool);
      expect(members).toEqual(placement.devicesOf(block));
      expect({ scheme, layout }).toEqual({ scheme: { k: 4, m: 2 }, layout: "split" });
      const made = blocks.pieces.filter((one) => one.block === block);
      expect(made.map(({ device, piece }) => [device, piece])).toEqual(
        members.map((device, piece) => [device, { piece, scheme }]),
      );
    }
  });

  test("have holes while members are away, and are refused below the minimum with what is missing", async () => {
    const { pool, blocks, opened, group } = await cluster(6, 4, 2);
    blocks.states.set(deviceId(0), "down");
    blocks.states.set(deviceId(1), "down");
    for (const { block, members } of await opened.get(pool)) {
      expect(members).toHaveLength(6);
      expect(filled(members)).toHaveLength(5);
      expect(read(group.state, keys.block(block))?.members).toEqual(members);
    }
    blocks.states.set(deviceId(2), "down");
    blocks.states.set(deviceId(3), "full");
    await expect(opened.get(pool)).rejects.toThrow(
      "pool some (4+2) writes to at least 5 of 6 different hosts, and 4 can take blocks: 1 host that is up and not full is missing",
    );
  });

  test("with holes are sealed when all of their placement group take blocks again", async () => {
    const { pool, blocks, opened, group } = await cluster(6, 4, 2);
    const stateOf = (block: BlockId) => read(group.state, keys.block(block))?.state;
    for (const device of [0, 1]) blocks.states.set(deviceId(device), "down");
    const holed = await opened.get(pool);
    await opened.sealLeftovers();
    for (const { block } of holed) expect(stateOf(block)).toBe("open");
    for (const device of [0, 1]) blocks.states.set(deviceId(device), "ok");
    await opened.sealLeftovers();
    for (const { block } of holed) expect(stateOf(block)).toBe("sealed");
    for (const { members } of await opened.get(pool)) expect(filled(members)).toHaveLength(6);
  });

  test("are sealed when a device tells of damage in one, so that it can be made anew", async () => {
    const { pool, blocks, map, group } = await cluster(6, 4, 2);
    const harmed = new Set<BlockId>();
    const opened = openBlocks(group, blocks, map, (block) => harmed.has(block));
    const stateOf = (block: BlockId) => read(group.state, keys.block(block))?.state;
    const [first, ...others] = await opened.get(pool);
    if (first === undefined) throw new Error("no block");
    harmed.add(first.block);
    await opened.sealLeftovers();
    expect(stateOf(first.block)).toBe("sealed");
    for (const { block } of others) expect(stateOf(block)).toBe("open");
  });

  test("avoid a device that takes none though it says that it is well", async () => {
    const { pool, blocks, opened } = await cluster(4, 1, 1);
    blocks.broken.add(deviceId(2));
    const found = await opened.get(pool);
    expect(found.length).toBeGreaterThan(1);
    expect(found.flatMap(({ members }) => members)).not.toContain(deviceId(2));
    for (const held of blocks.held.values())
      for (const block of held.keys()) expect(found.map((one) => one.block)).toContain(block);
  });

  test("are sealed when k members refuse appends, no sooner", async () => {
    const { pool, blocks, opened, group } = await cluster(6, 2, 2);
    const [block] = await opened.get(pool);
    if (block === undefined) throw new Error("no block");
    const stateOf = () => read(group.state, keys.block(block.block))?.state;
    for (const device of filled(block.members).slice(1)) blocks.states.set(device, "down");
    await opened.seal(block.block, block.generation);
    expect(stateOf()).toBe("open");
    for (const device of filled(block.members).slice(1, 2)) blocks.states.set(device, "ok");
    await opened.sealLeftovers();
    expect(stateOf()).toBe("sealed");
  });

  test("of a device that is taken out are sealed", async () => {
    const { state, pool, opened, group } = await cluster(4, 1, 1);
    const [block] = await opened.get(pool);
    const [device] = filled(block?.members ?? []);
    if (block === undefined || device === undefined) throw new Error("no block");
    await state.propose({ type: "changeDevice", device, in: false });
    await opened.get(pool);
    await opened.sealLeftovers();
    expect(read(group.state, keys.block(block.block))?.state).toBe("sealed");
  });

  test("fall evenly into groups, and a new leader goes on behind the ids of the one before", async () => {
    const { state, pool, blocks, map, group } = await cluster(4, 1, 0);
    const ids = new Set<BlockId>();
    for (let leader = 0; leader < 40; leader++)
      for (const { block, generation } of await openBlocks(group, blocks, map).get(pool)) {
        ids.add(block);
        await state.propose({ type: "sealBlock", block, generation });
      }
    expect(ids.size).toBe(320);
    const perDevice = [...blocks.held.values()].map((held) => held.size);
    // Two devices of a host weigh about 1 to 2.
    expect(Math.max(...perDevice)).toBeGreaterThan(1.3 * Math.min(...perDevice));
    expect(new Set((await state.map()).ranges.map((range) => range.pool))).toEqual(new Set([pool]));
  });

  test("of a pool that is to go are sealed, unless a storage class names it", async () => {
    const { state, pool, opened, group } = await cluster(4, 1, 1);
    const [block] = await opened.get(pool);
    if (block === undefined) throw new Error("no block");
    const stateOf = () => read(group.state, keys.block(block.block))?.state;
    const storageClass = { name: "COLD", small: 0, large: pool, thresholdBytes: 1 };
    await state.propose({ type: "setStorageClass", storageClass });
    await opened.endPool(pool);
    await opened.sealLeftovers();
    expect(stateOf()).toBe("open");
    await state.propose({ type: "removeStorageClass", name: "COLD" });
    await opened.endPool(pool);
    await opened.sealLeftovers();
    expect(stateOf()).toBe("sealed");
  });

  test("are refused for a pool that is not there", async () => {
    const { opened } = await cluster(2, 1, 1);
    await expect(opened.get(7)).rejects.toMatchObject({ code: "NoSuchPool" });
  });

  test("a block is made with the size and the durability of its pool", async () => {
    const { state, pool, blocks, opened } = await cluster(3, 1, 2);
    await opened.get(pool);
    expect(blocks.keeping).toBeUndefined();
    const own = { blockBytes: 2 ** 27, durability: "interval" } as const;
    const other = await state.pool("other", own);
    await opened.get(other);
    expect(blocks.keeping).toEqual(own);
  });

  test("a pool with another scheme gets other blocks; those of before are sealed", async () => {
    const { state, pool, opened } = await cluster(3, 1, 1);
    const [before] = await opened.get(pool);
    await state.propose({ type: "changePool", pool, change: { scheme: { k: 1, m: 2 } } });
    await opened.sealLeftovers();
    const now = await opened.get(pool);
    expect(now.length).toBeGreaterThan(0);
    for (const { scheme } of now) expect(scheme).toEqual({ k: 1, m: 2 });
    expect(read(state.store, keys.block(before?.block ?? expect.fail()))?.state).toBe("sealed");
  });
});
