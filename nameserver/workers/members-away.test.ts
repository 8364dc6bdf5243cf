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
import { encodeRow } from "../row-codec.ts";
import type { BlockRow } from "../rows.ts";
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
  const { state, blocks, context, reports, has } = await sealedBlock();
  await state.propose({ type: "leaseBlobs", count: 10 });
  const chunk = { block: at.block, needle, lengthBytes: 100, crc32c: 1 };
  await state.propose({ type: "addChunks", blob, first: 0, chunks: [chunk] });
  await state.propose({ type: "dropBlob", blob });
  blocks.away.add(one);
  const worker = collect(context, 1_000);
  while (await worker.step());
  expect([has(one), has(two)]).toEqual([true, false]);
  expect(read(state.store, keys.blob(blob))).toBeDefined();
  expect(reports).toEqual([]);
  blocks.away.delete(one);
  while (await worker.step());
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

/** Exchanges the row of the block, as a command on its members does. */
async function plant(state: ClusterState, row: BlockRow): Promise<void> {
  const key = keys.block(at.block);
  const keyBytes = Buffer.from(key, "latin1");
  await state.store.write([{ key, keyBytes, value: encodeRow(keyBytes, row) }]);
}

/** A blob with one needle in each of some blocks, each block on some devices; the blobs are dropped. */
async function deleted(count: number, ...names: string[]) {
  const state = new ClusterState();
  const devices = names as DeviceId[];
  const blocks = new Away(...devices);
  await state.propose({ type: "leaseBlobs", count: count + 1 });
  const address = (n: number) => ({ block: (n + 1) as BlockId, generation: 1 });
  for (let n = 0; n < count; n++) {
    const member = devices[n % devices.length] as DeviceId;
    await state.propose({ type: "addBlock", ...address(n), pool: 0, members: [member] });
    await blocks.createBlock({ device: member, ...address(n) });
    blocks.store(member, address(n).block, BigInt(n + 1) as NeedleId, (n + 1) as BlobId, 0);
    const needle = BigInt(n + 1) as NeedleId;
    const chunk = { block: address(n).block, needle, lengthBytes: 100, crc32c: 1 };
    await state.propose({ type: "addChunks", blob: (n + 1) as BlobId, first: 0, chunks: [chunk] });
    await state.propose({ type: "dropBlob", blob: (n + 1) as BlobId });
  }
  let nowMs = 0;
  const clock = { nowMs: () => 1_000, monotonicMs: () => nowMs, after: () => ({ cancel() {} }) };
  const group = { state: state.store, propose: state.propose, timeMs: 1_000 } as unknown as Group;
  const context = { group, blocks, clock, report: () => undefined };
  const left = () =>
    Array.from({ length: count }, (_, n) => n + 1).filter(
      (n) => read(state.store, keys.blob(n as BlobId)) !== undefined,
    );
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { state, blocks, context, left, pass };
}

test("what one member keeps waiting blocks nobody behind it, however long a walk takes", async () => {
  const { blocks, context, left, pass } = await deleted(700, "one", "two");
  blocks.away.add(one);
  const worker = collect(context, 1_000);
  for (let step = 0; step < 20; step++) {
    await worker.step();
    pass(1_000);
  }
  expect(left().every((n) => n % 2 === 1)).toBe(true);
  blocks.away.clear();
  for (let step = 0; step < 20; step++) await worker.step();
  expect(left()).toEqual([]);
});

test("while a member stays away nobody is asked again and again", async () => {
  const { blocks, context, left, pass } = await deleted(10, "one");
  blocks.away.add(one);
  const worker = collect(context, 1_000);
  let asked = 0;
  const { remove } = blocks;
  blocks.remove = (...args) => {
    asked++;
    return remove.apply(blocks, args);
  };
  let steps = 0;
  for (let second = 0; second < 3_600; second++) {
    while (await worker.step()) steps++;
    pass(1_000);
  }
  expect(asked).toBe(10);
  expect(steps).toBeLessThan(30);
  blocks.away.clear();
  while (await worker.step());
  while (await worker.step());
  expect(left()).toEqual([]);
});

test("a member that takes the place of another meanwhile must confirm, too", async () => {
  const { state, blocks, context, has } = await sealedBlock();
  await state.propose({ type: "leaseBlobs", count: 10 });
  const chunk = { block: at.block, needle, lengthBytes: 100, crc32c: 1 };
  await state.propose({ type: "addChunks", blob, first: 0, chunks: [chunk] });
  await state.propose({ type: "dropBlob", blob });
  const three = "three" as DeviceId;
  blocks.held.set(three, new Map());
  await blocks.createBlock({ device: three, ...at });
  blocks.store(three, at.block, needle, blob, 0);
  const { remove } = blocks;
  blocks.remove = async (address, needles) => {
    await remove.call(blocks, address, needles);
    const row = read(state.store, keys.block(at.block));
    // It was made from the others before they heard of the removal.
    if (address.device === two && row !== undefined)
      await plant(state, { ...row, members: [one, null, three] });
  };
  const worker = collect(context, 1_000);
  while (await worker.step());
  expect([has(one), has(three)]).toEqual([false, false]);
  expect(read(state.store, keys.blob(blob))).toBeUndefined();
});

test("a block settles without its members, and is swept when the one that is away was replaced", async () => {
  const { state, blocks, context, reports, has, wait } = await sealedBlock();
  await state.propose({ type: "sealBlock", ...at });
  blocks.away.add(one).add(two);
  const worker = settleAndSweep(context, { settleMs: 0, lookMs: 1, sweepAll: false });
  while (await worker.step());
  const row = read(state.store, keys.block(at.block));
  expect(row).toMatchObject({ state: "settled" });
  blocks.away.delete(one);
  for (let look = 0; look < 5; look++) {
    wait(1);
    let steps = 0;
    while (await worker.step()) steps++;
    expect(steps).toBe(0);
  }
  expect([has(one), reports]).toEqual([true, []]);
  if (row !== undefined) await plant(state, { ...row, members: [one, null, null] });
  wait(1);
  while (await worker.step());
  expect(has(one)).toBe(false);
  expect(read(state.store, keys.block(at.block))?.swept).toBe(true);
});
