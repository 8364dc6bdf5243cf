import { expect, test } from "vitest";
import type { BlobId, BlockId, DeviceId, NeedleId } from "../../base/ids.ts";
import { NotLeader } from "../../rpc/not-leader.ts";
import { commandEntry } from "../../test/metadata/command-entry.ts";
import { FakeBlocks } from "../../test/metadata/fake-blocks.ts";
import type { AnyCommand } from "../command.ts";
import type { Group } from "../group/group.ts";
import { keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import { StateMachine } from "../state-machine.ts";
import { MemoryState } from "../state-memory.ts";
import { settleAndSweep } from "./settle.ts";

const device = "disk" as DeviceId;
const BLOCKS = 50;

test("a look through all blocks reads each a few times, not once for every other", async () => {
  const store = new MemoryState();
  const machine = new StateMachine(store);
  let read = 0;
  const range: MemoryState["range"] = (from, to) => {
    const cursor = store.range(from, to);
    const next = async (count: number) => {
      const found = await cursor.next(count);
      read += found.length;
      return found;
    };
    return { ...cursor, next };
  };
  const propose = async (command: AnyCommand) => {
    await machine.applyRun([commandEntry(machine.applied + 1, 1_000, command)]);
    return { type: "done" } as const;
  };
  const group = { state: { get: store.get.bind(store), range }, timeMs: 1_000, propose };
  const blocks = new FakeBlocks(device);
  for (let n = 1; n <= BLOCKS; n++) {
    const at = { block: n as BlockId, generation: 1 };
    await blocks.createBlock({ device, ...at });
    await propose({ type: "addBlock", ...at, pool: 0, members: [device] });
    await propose({ type: "sealBlock", ...at });
    await propose({ type: "settleBlock", ...at, afterMs: 0 });
  }
  const clock = { nowMs: () => 1_000, monotonicMs: () => 0, after: () => ({ cancel: () => {} }) };
  const context = { group: group as unknown as Group, blocks, clock, report: () => undefined };
  const worker = settleAndSweep(context, { settleMs: 0, lookMs: 1, sweepAll: true });
  let steps = 0;
  while (await worker.step()) steps++;
  expect(steps).toBe(BLOCKS);
  // Every step reads one page from where it is; the pages of this few blocks shrink to nothing.
  expect(read).toBeLessThanOrEqual((BLOCKS * (BLOCKS + 3)) / 2);
});

/** One block on one device, settled at once. */
async function settledBlock() {
  const store = new MemoryState();
  const machine = new StateMachine(store);
  const propose = async (command: AnyCommand) => {
    await machine.applyRun([commandEntry(machine.applied + 1, 1_000, command)]);
    return { type: "done" } as const;
  };
  const blocks = new FakeBlocks(device);
  const at = { block: 1 as BlockId, generation: 1 };
  await blocks.createBlock({ device, ...at });
  await propose({ type: "addBlock", ...at, pool: 0, members: [device] });
  await propose({ type: "sealBlock", ...at });
  await propose({ type: "settleBlock", ...at, afterMs: 0 });
  let nowMs = 0;
  const clock = {
    nowMs: () => 1_000,
    monotonicMs: () => nowMs++,
    after: () => ({ cancel: () => {} }),
  };
  const group = { state: store, timeMs: 1_000, propose };
  const context = {
    ...{ blocks, clock, report: () => undefined },
    group: group as unknown as Group,
  };
  const worker = settleAndSweep(context, { settleMs: 0, lookMs: 1, sweepAll: false });
  const row = () => read(store, keys.block(at.block));
  return { at, blocks, group, worker, row };
}

test("a member that was away when its block was sealed takes nothing behind the sweep", async () => {
  const { at, blocks, worker } = await settledBlock();
  while (await worker.step());
  expect(blocks.block(device, at.block).sealed).toBe(true);
});

test("a sweep that could not be noted is noted at the next look", async () => {
  const { group, worker, row } = await settledBlock();
  const { propose } = group;
  group.propose = () => Promise.reject(new NotLeader("another one leads", undefined));
  await expect(worker.step()).rejects.toThrow("another one leads");
  group.propose = propose;
  for (let look = 0; look < 3; look++) while (await worker.step());
  expect(row()).toMatchObject({ state: "settled", swept: true });
});

test("needles that nothing names stay as long as a state that was brought back wants them to", async () => {
  for (const [keepOrphansMs, left] of [
    [10_000, 1],
    [0, 0],
  ] as const) {
    const store = new MemoryState();
    const machine = new StateMachine(store);
    const propose = async (command: AnyCommand) => {
      await machine.applyRun([commandEntry(machine.applied + 1, 1_000, command)]);
      return { type: "done" } as const;
    };
    const group = { state: store, timeMs: 1_000, propose };
    const blocks = new FakeBlocks(device);
    const at = { block: 1 as BlockId, generation: 1 };
    await blocks.createBlock({ device, ...at });
    await propose({ type: "addBlock", ...at, pool: 0, members: [device] });
    await propose({ type: "sealBlock", ...at });
    await propose({ type: "settleBlock", ...at, afterMs: 0 });
    await propose({ type: "recovered", skipBlobs: 1, keepOrphansMs });
    blocks.store(device, at.block, 7n as NeedleId, 9 as BlobId, 0);
    const clock = { nowMs: () => 1_000, monotonicMs: () => 0, after: () => ({ cancel: () => {} }) };
    const context = { group: group as unknown as Group, blocks, clock, report: () => undefined };
    const worker = settleAndSweep(context, { settleMs: 0, lookMs: 1, sweepAll: false });
    for (let i = 0; i < 5; i++) await worker.step();
    expect(blocks.block(device, at.block).needles.size).toBe(left);
  }
});
