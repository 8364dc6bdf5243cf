/**
 * The power is cut in every write, sync, truncation and rename of a scripted workload, with several
 * fates of what was not synced. After each restart everything acknowledged is there, everything
 * removed stays removed, and nothing is served that was not stored.
 */
import { describe, expect, test } from "vitest";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import { MARK_IDLE_MS } from "../base/idle-mark.ts";
import type { BlockId, NeedleId } from "../base/ids.ts";
import { seededRandom } from "../base/random.ts";
import {
  addressOf,
  bytesOf,
  type Fixture,
  listed,
  load,
  openFixture,
  store,
} from "../test/block-fixture.ts";

const A = 7 as BlockId;
const B = 8 as BlockId;
const FATES = 6;
const id = (n: number) => BigInt(n) as NeedleId;

/** What the workload was told, to be held against what is there. */
class Ledger {
  /** `maybe`: asked for, not answered. */
  readonly needles = new Map<NeedleId, { block: BlockId; state: "there" | "gone" | "maybe" }>();
  readonly sealed = new Set<BlockId>();
  readonly created = new Set<BlockId>();
  /** A generation of A that is built, and not switched to. */
  built = false;

  async append(f: Fixture, block: BlockId, needle: NeedleId): Promise<void> {
    this.needles.set(needle, { block, state: "maybe" });
    expect(await store(f, needle, addressOf(f, block))).toBe("stored");
    this.needles.set(needle, { block, state: "there" });
  }

  async remove(f: Fixture, block: BlockId, generation: number, ids: number[]): Promise<void> {
    for (const n of ids) this.needles.set(id(n), { block, state: "maybe" });
    await f.server.remove(addressOf(f, block, generation), ids.map(id));
    for (const n of ids) this.needles.set(id(n), { block, state: "gone" });
  }

  appendAll(f: Fixture, block: BlockId, from: number, to: number): Promise<unknown> {
    const numbers = Array.from({ length: to - from + 1 }, (_, i) => from + i);
    return allOrCrash(numbers.map((n) => this.append(f, block, id(n))));
  }

  async check(f: Fixture): Promise<void> {
    for (const [needle, { block, state }] of this.needles) {
      const found = await load(f, needle, block);
      if (state === "there") expect(found).toEqual(bytesOf(needle));
      else if (state === "gone") expect(found).toBe("missing");
      else if (found !== "missing") expect(found).toEqual(bytesOf(needle));
    }
    const statuses = await f.server.blocks(f.device, -1, 100);
    for (const block of this.created) expect(statuses.map((s) => s.block)).toContain(block);
    for (const status of statuses) {
      expect(status.damage).toEqual([]);
      const ids = await listed(f, addressOf(f, status.block, status.generation));
      expect(ids).toHaveLength(status.needles);
      expect(ids.reduce((sum, one) => sum ^ one, 0n)).toBe(status.digest);
      for (const one of ids) expect(this.needles.get(one)?.block).toBe(status.block);
      if (this.sealed.has(status.block)) expect(status.sealed).toBe(true);
    }
    expect(f.reports.filter((report) => report.kind === "damage")).toEqual([]);
    expect((await f.server.scrub(f.device, { bytesPerSecond: Infinity })).bad).toBe(0);
  }
}

/** Waits for all, so that nothing of this life runs on in the next. */
async function allOrCrash(runs: Promise<unknown>[]): Promise<void> {
  const ends = await Promise.allSettled(runs);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

async function workload(disk: SimulatedDisk, ledger: Ledger): Promise<void> {
  const f = await openFixture(disk);
  await f.server.createBlock(addressOf(f, A));
  ledger.created.add(A);
  await f.server.createBlock(addressOf(f, B));
  ledger.created.add(B);
  await allOrCrash([ledger.appendAll(f, A, 1, 6), ledger.appendAll(f, B, 101, 103)]);
  f.clock.advance(2 * MARK_IDLE_MS);
  await allOrCrash([ledger.appendAll(f, A, 7, 9), ledger.remove(f, A, 1, [2, 3])]);
  await allOrCrash([
    ledger.appendAll(f, A, 10, 12),
    f.server.sealBlock(addressOf(f, A)).then(() => ledger.sealed.add(A)),
  ]);
  await allOrCrash([ledger.remove(f, A, 1, [5]), ledger.remove(f, A, 1, [6, 11])]);
  await f.server.compact(addressOf(f, A));
  ledger.built = true;
  await ledger.remove(f, A, 1, [8]);
  await ledger.appendAll(f, B, 104, 106);
  ledger.built = false;
  await f.server.switchGeneration(addressOf(f, A, 2));
  await ledger.remove(f, A, 2, [9]);
  await f.server[Symbol.asyncDispose]();
  await secondLife(disk, ledger);
}

async function secondLife(disk: SimulatedDisk, ledger: Ledger): Promise<void> {
  const f = await openFixture(disk);
  await ledger.appendAll(f, B, 107, 109);
  await ledger.remove(f, A, 2, [1, 4, 7, 10, 12]);
  await f.server.sealBlock(addressOf(f, B));
  ledger.sealed.add(B);
  ledger.created.delete(A);
  ledger.sealed.delete(A);
  await f.server.retire(addressOf(f, A, 2));
  await f.server.createBlock(addressOf(f, A, 3));
  ledger.created.add(A);
  await f.server[Symbol.asyncDispose]();
}

async function operationsInAll(): Promise<number> {
  const disk = new SimulatedDisk();
  const ledger = new Ledger();
  await workload(disk, ledger);
  const { operations } = disk;
  await ledger.check(await openFixture(disk));
  return operations;
}

async function cutAt(n: number, fate: number): Promise<void> {
  const disk = new SimulatedDisk();
  const ledger = new Ledger();
  disk.crashAt(n);
  await expect(workload(disk, ledger)).rejects.toThrow();
  expect(disk.crashed).toBe(true);
  // Fate 0: only the process died.
  if (fate === 0) disk.kill();
  else disk.crash(seededRandom(n * 100 + fate));
  const f = await openFixture(disk);
  await ledger.check(f);
  await goOn(f, ledger);
  disk.crash(seededRandom(n * 100 + fate + 50));
  await ledger.check(await openFixture(disk));
}

/** The store is not only whole but works. */
async function goOn(f: Fixture, ledger: Ledger): Promise<void> {
  if (ledger.built) await f.server.switchGeneration(addressOf(f, A, 2));
  for (const status of await f.server.blocks(f.device, -1, 10)) {
    const address = addressOf(f, status.block, status.generation);
    if (status.sealed) {
      expect(await store(f, id(999), address)).toBe("sealed");
      continue;
    }
    const needle = id(1000 + status.block);
    ledger.needles.set(needle, { block: status.block, state: "there" });
    expect(await store(f, needle, address)).toBe("stored");
  }
}

describe("the power is cut", async () => {
  const operations = await operationsInAll();

  test("the workload is worth it", () => {
    expect(operations).toBeGreaterThan(60);
  });

  test.each(Array.from({ length: FATES }, (_, i) => i))(
    "in every operation, fate %i",
    async (fate) => {
      for (let n = 1; n <= operations; n++)
        await cutAt(n, fate).catch((error: unknown) => {
          throw new Error(`cut at operation ${n}, fate ${fate}`, { cause: error });
        });
    },
  );

  test("and again in every operation of the recovery", async () => {
    for (let n = 10; n <= operations; n += 7) {
      for (let m = 1; ; m++) {
        const disk = new SimulatedDisk();
        const ledger = new Ledger();
        disk.crashAt(n);
        await workload(disk, ledger).catch(() => undefined);
        disk.crash(seededRandom(n));
        disk.crashAt(disk.operations + m);
        const cut = await openFixture(disk).then(
          () => false,
          () => true,
        );
        disk.crash(seededRandom(n + m));
        await ledger.check(await openFixture(disk));
        if (!cut) break;
      }
    }
  });
});
