/** Deletes and sweeps of a block with several members and a hole, while one member is away. */
import { expect, test } from "vitest";
import { QuarryError } from "../../base/errors.ts";
import type { BlobId, BlockId, DeviceId, NeedleId } from "../../base/ids.ts";
import type { BlockAddress, DeviceStatus } from "../../rpc/block-service.ts";
import { ClusterState } from "../../test/metadata/cluster-state.ts";
import { FakeBlocks } from "../../test/metadata/fake-blocks.ts";
import type { Group } from "../group/group.ts";
import { keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import { collect } from "./collect.ts";
import { settleAndSweep } from "./settle.ts";

const [one, two] = ["one", "two"] as [DeviceId, DeviceId];
const at = { block: 1 as BlockId, generation: 1 };
const needle = 7n as NeedleId;
const blob = 1 as BlobId;

class Away extends FakeBlocks {
  readonly away = new Set<DeviceId>();

  override async devices() {
    const all: DeviceStatus[] = await super.devices();
    return all.map((one) => (this.away.has(one.device) ? { ...one, state: "down" } : one)) as never;
  }

  override async remove(address: BlockAddress, needles: readonly NeedleId[]) {
    if (this.away.has(address.device)) throw new QuarryError("Unavailable", "down");
    await super.remove(address, needles);
  }
}

/** A sealed block of 1+2 with a hole, one needle on both members. */
async function sealedBlock() {
  const state = new ClusterState();
  const blocks = new Away(one, two);
  const members = [one, null, two];
  await state.propose({ type: "addBlock", ...at, pool: 0, scheme: { k: 1, m: 2 }, members });
  for (const device of [one, two]) {
    await blocks.createBlock({ device, ...at });
    blocks.store(device, at.block, needle, blob, 0);
  }
  let nowMs = 0;
  const clock = { nowMs: () => 1_000, monotonicMs: () => nowMs, after: () => ({ cancel() {} }) };
  const group = { state: state.store, propose: state.propose, timeMs: 1_000 } as unknown as Group;
  const reports: string[] = [];
  const context = { group, blocks, clock, report: (text: string) => reports.push(text) };
  const has = (device: DeviceId) => blocks.block(device, at.block).needles.has(needle);
  const wait = (ms: number) => {
    nowMs += ms;
  };
  return { state, blocks, context, reports, has, wait };
}

test("what a member that is down did not confirm stays queued, and the others have done it", async () => {
  const { state, blocks, context, reports, has, wait } = await sealedBlock();
  await state.propose({ type: "leaseBlobs", count: 10 });
  const chunk = { block: at.block, needle, lengthBytes: 100, crc32c: 1 };
  await state.propose({ type: "addChunks", blob, first: 0, chunks: [chunk] });
  await state.propose({ type: "dropBlob", blob });
  blocks.away.add(one);
  const worker = collect(context, 1_000);
  await worker.step();
  expect([has(one), has(two)]).toEqual([true, false]);
  expect(read(state.store, keys.blob(blob))).toBeDefined();
  expect(reports).toEqual([]);
  blocks.away.delete(one);
  wait(1_000);
  await worker.step();
  expect([has(one), has(two)]).toEqual([false, false]);
  expect(read(state.store, keys.blob(blob))).toBeUndefined();
});

test("a block is swept when all its members are there", async () => {
  const { state, blocks, context, has, wait } = await sealedBlock();
  await state.propose({ type: "sealBlock", ...at });
  await state.propose({ type: "settleBlock", ...at, afterMs: 0 });
  blocks.away.add(two);
  const worker = settleAndSweep(context, { settleMs: 0, lookMs: 1, sweepAll: false });
  while (await worker.step());
  expect([has(one), has(two)]).toEqual([true, true]);
  expect(read(state.store, keys.block(at.block))?.swept).toBeUndefined();
  blocks.away.delete(two);
  wait(1);
  while (await worker.step());
  expect([has(one), has(two)]).toEqual([false, false]);
  expect(read(state.store, keys.block(at.block))?.swept).toBe(true);
});
