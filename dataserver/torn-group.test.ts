/**
 * The end comes in the middle of a large group: its whole pages may be in the file while the edges around
 * them are not, or it found no room and what was written of it is cut off again. Either way what is left of
 * it is the tail that nobody was told of: no damage, and nothing before it is lost.
 */
import { expect, test } from "vitest";
import { PAGE_BYTES } from "../base/direct-write.ts";
import type { DiskFile } from "../base/disk.ts";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import { MARK_IDLE_MS } from "../base/idle-mark.ts";
import type { NeedleId } from "../base/ids.ts";
import { seededRandom } from "../base/random.ts";
import {
  addressOf,
  bytesOf,
  type Fixture,
  load,
  openFixture,
  store,
} from "../test/block-fixture.ts";

const FATES = 4;
const id = (n: number) => BigInt(n) as NeedleId;
/** Small and large ones in turn. */
const dataOf = (n: number) => bytesOf(id(n), n % 2 === 0 ? 40_000 + 777 * n : 100 + n);

/** Writes as the real disk does: whole pages past the cache, then what stands before and behind them. */
function pagesFirst(disk: SimulatedDisk): SimulatedDisk {
  const { open } = disk;
  disk.open = async (...args) => {
    const file = await open.apply(disk, args);
    const write: DiskFile["write"] = async (parts, offset) => {
      const whole = Buffer.concat(parts);
      const first = Math.ceil(offset / PAGE_BYTES) * PAGE_BYTES - offset;
      const last = Math.floor((offset + whole.length) / PAGE_BYTES) * PAGE_BYTES - offset;
      if (last - first < 2 * PAGE_BYTES) return await file.write(parts, offset);
      await file.write([whole.subarray(first, last)], offset + first);
      await file.write([whole.subarray(0, first)], offset);
      await file.write([whole.subarray(last)], offset + last);
    };
    return { ...file, write };
  };
  return disk;
}

/** What became of needles, by what a client was told. */
class Told {
  readonly stored = new Set<number>();
  readonly #asked = new Set<number>();

  async store(f: Fixture, numbers: readonly number[], answer = "stored"): Promise<void> {
    const ends = await Promise.allSettled(
      numbers.map(async (n) => {
        this.#asked.add(n);
        const kind = await store(f, id(n), addressOf(f), dataOf(n));
        if (kind === "stored") this.stored.add(n);
        return kind;
      }),
    );
    for (const end of ends)
      if (end.status === "rejected") throw end.reason;
      else expect(end.value).toBe(answer);
  }

  async check(f: Fixture): Promise<void> {
    for (const n of this.#asked) {
      const found = await load(f, id(n));
      if (this.stored.has(n) || found !== "missing") expect(found).toEqual(dataOf(n));
    }
    expect(f.reports.filter(({ kind }) => kind === "damage")).toEqual([]);
    expect((await f.server.scrub(f.device, { bytesPerSecond: Infinity })).bad).toBe(0);
  }
}

type Work = (f: Fixture, told: Told) => Promise<void>;

/** Runs it up to every change of the disk in turn; how often a torn tail was found. */
async function tornBy(work: Work): Promise<number> {
  const calm = pagesFirst(new SimulatedDisk());
  const f = await begun(calm);
  const from = calm.operations;
  await work(f, new Told());
  let torn = 0;
  for (let cut = from + 1; cut <= calm.operations; cut++)
    for (let fate = 0; fate < FATES; fate++) {
      const disk = pagesFirst(new SimulatedDisk());
      const told = new Told();
      const before = await begun(disk);
      disk.crashAt(cut);
      await expect(work(before, told)).rejects.toThrow();
      disk.leaveFree(2 ** 40);
      // Fate 0: only the process died.
      if (fate === 0) disk.kill();
      else disk.crash(seededRandom(cut * 10 + fate));
      const after = await openFixture(disk);
      await told.check(after);
      torn += after.reports.filter(({ kind }) => kind === "torn-tail").length;
      await told.store(after, [101, 102]);
      disk.crash(seededRandom(cut * 10 + fate + 5));
      await told.check(await openFixture(disk));
    }
  return torn;
}

async function begun(disk: SimulatedDisk): Promise<Fixture> {
  const f = await openFixture(disk);
  await f.server.createBlock(addressOf(f));
  return f;
}

test("a group whose pages are there and whose beginning is not was never there", async () => {
  const torn = await tornBy(async (f, told) => {
    await told.store(f, [1, 3]);
    await told.store(f, [2, 5, 4, 6, 7, 8]);
    f.clock.advance(2 * MARK_IDLE_MS);
    await told.store(f, [10, 12, 9, 14]);
    await told.store(f, [11]);
  });
  expect(torn).toBeGreaterThan(10);
});

test("a group that found no room was never there, also when the end comes as it is cut off", async () => {
  const torn = await tornBy(async (f, told) => {
    await told.store(f, [1, 2, 3]);
    f.disk.leaveFree(70_000);
    await told.store(f, [4, 6, 8, 5], "full");
    f.disk.leaveFree(2 ** 40);
    await told.store(f, [7, 9]);
    f.disk.leaveFree(70_000);
    await told.store(f, [10, 12, 11], "full");
    f.disk.leaveFree(2 ** 40);
    await f.server[Symbol.asyncDispose]();
  });
  expect(torn).toBeGreaterThan(2);
});
