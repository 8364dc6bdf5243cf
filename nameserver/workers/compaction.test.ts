/** Blocks with several members are rewritten, and removed, while members fail in the middle. */
import { expect, test } from "vitest";
import { QuarryError } from "../../base/errors.ts";
import type { BlobId, BlockId, DeviceId, NeedleId } from "../../base/ids.ts";
import type { BlockAddress, BlockStatus } from "../../rpc/block-service.ts";
import { ClusterState } from "../../test/metadata/cluster-state.ts";
import { FakeBlocks } from "../../test/metadata/fake-blocks.ts";
import type { Group } from "../group/group.ts";
import { keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import { compactBlocks } from "./compaction.ts";

const devices = ["a", "b", "c"] as DeviceId[];
const [a, b, c] = devices as [DeviceId, DeviceId, DeviceId];
const block = 1 as BlockId;
const LOOK_MS = 10_000;

class Failing extends FakeBlocks {
  /** These orders of these devices fail. */
  readonly failing = new Set<string>();
  damaged: DeviceId | undefined;
  tried = 0;

  #check(order: string, { device }: BlockAddress): void {
    if (this.failing.has(`${order} ${device}`)) throw new QuarryError("Unavailable", "down");
  }
  override async blocks(device: DeviceId, after: number, limit: number): Promise<BlockStatus[]> {
    const all: BlockStatus[] = await super.blocks(device, after, limit);
    const damage = [{ offset: 64, lengthBytes: 8 }];
    return this.damaged === device ? all.map((one) => ({ ...one, damage })) : all;
  }
  override async compact(address: BlockAddress) {
    this.tried++;
    this.#check("compact", address);
    return await super.compact(address);
  }
  override async switchGeneration(address: BlockAddress) {
    this.#check("switch", address);
    await super.switchGeneration(address);
  }
  override async retire(address: BlockAddress) {
    this.#check("retire", address);
    await super.retire(address);
  }
}

/** A settled block of three copies with so many needles, half of its bytes are garbage. */
async function scene(needles: number) {
  const state = new ClusterState();
  const blocks = new Failing(...devices);
  const at = { block, generation: 1 };
  await state.propose({
    type: "addBlock",
    ...at,
    pool: 0,
    scheme: { k: 1, m: 2 },
    members: devices,
  });
  for (const device of devices) {
    await blocks.createBlock({ device, ...at });
    for (let n = 1; n <= needles; n++)
      blocks.store(device, block, BigInt(n) as NeedleId, 1 as BlobId, 0);
    blocks.block(device, block).fileBytes += 1_000;
    await blocks.sealBlock({ device, ...at });
  }
  await state.propose({ type: "sealBlock", ...at });
  await state.propose({ type: "settleBlock", ...at, afterMs: 0 });
  const clock = {
    ms: 0,
    nowMs: () => 1_000,
    monotonicMs: () => clock.ms,
    after: () => ({ cancel() {} }),
  };
  const group = { state: state.store, propose: state.propose, timeMs: 1_000 } as unknown as Group;
  const reports: string[] = [];
  const context = { group, blocks, clock, report: (text: string) => void reports.push(text) };
  const newWorker = () => compactBlocks(context, { lookMs: LOOK_MS, garbageShare: 0.3 });
  let worker = newWorker();
  const look = async (times = 1) => {
    for (let time = 0; time < times; time++) {
      while (await worker.step());
      clock.ms += LOOK_MS;
    }
  };
  const restart = () => {
    worker = newWorker();
  };
  const generations = () => devices.map((one) => blocks.held.get(one)?.get(block)?.generation);
  const built = () => devices.filter((one) => blocks.block(one, block).built !== undefined);
  const row = () => read(state.store, keys.block(block));
  return { state, blocks, clock, reports, look, restart, generations, built, row };
}

test("one member that fails in the middle leaves the block as it is, and what was built is built anew", async () => {
  const it = await scene(3);
  it.blocks.failing.add(`compact ${c}`);
  await it.look();
  expect([it.row()?.generation, it.generations(), it.built()]).toEqual([1, [1, 1, 1], [a, b]]);
  // Meanwhile something is removed: what was built before has it still.
  for (const device of devices)
    await it.blocks.remove({ device, block, generation: 1 }, [2n as NeedleId]);
  it.blocks.failing.clear();
  await it.look(2);
  expect([it.row()?.generation, it.generations(), it.built()]).toEqual([2, [2, 2, 2], []]);
  expect(it.blocks.block(a, block).needles.size).toBe(2);
});

test("a block that cannot be rewritten is not tried at every look, and told once", async () => {
  const it = await scene(3);
  it.blocks.failing.add(`compact ${c}`);
  await it.look(360);
  expect(it.blocks.tried).toBeLessThan(3 * 12);
  expect(it.reports).toHaveLength(1);
});

test.each([[[a, b, c]], [[a]], [[b, c]]])(
  "a crash between the command and the switch of %s: it is done by whoever looks next",
  async (left) => {
    const it = await scene(3);
    for (const one of left) it.blocks.failing.add(`switch ${one}`);
    await it.look();
    expect(it.row()?.generation).toBe(2);
    expect(it.generations()).toEqual(devices.map((one) => (left.includes(one) ? 1 : 2)));
    it.restart();
    it.blocks.failing.clear();
    await it.look(2);
    expect([it.generations(), it.built()]).toEqual([[2, 2, 2], []]);
  },
);

test("what one member has and another has not is found out first: the rewritten block would not know", async () => {
  const it = await scene(3);
  for (const device of [a, b])
    await it.blocks.remove({ device, block, generation: 1 }, [2n as NeedleId]);
  await it.look(3);
  expect([it.row()?.generation, it.blocks.tried]).toEqual([1, 0]);
  await it.blocks.remove({ device: c, block, generation: 1 }, [2n as NeedleId]);
  await it.look(3);
  expect(it.generations()).toEqual([2, 2, 2]);
});

test("a member with damage is waited for without building anything", async () => {
  const it = await scene(3);
  it.blocks.damaged = b;
  await it.look(10);
  expect([it.row()?.generation, it.blocks.tried, it.reports]).toEqual([1, 0, []]);
});

test("an emptied block goes on all members that can be told, whoever fails", async () => {
  const it = await scene(0);
  it.blocks.failing.add(`retire ${a}`);
  await it.look();
  expect(it.row()).toBeUndefined();
  expect(it.generations()).toEqual([1, undefined, undefined]);
  expect(read(it.state.store, keys.removedBlock(block))).toEqual({ generation: 1 });
});
