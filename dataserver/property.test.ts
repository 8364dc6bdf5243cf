/** Random operations against a plain map, with restarts in between; and a short run on a real disk. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Durability } from "../base/append-file.ts";
import { systemClock } from "../base/clock.ts";
import { nodeDisk } from "../base/disk-node.ts";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import type { BlockId, NeedleId } from "../base/ids.ts";
import { type Random, seededRandom } from "../base/random.ts";
import {
  addressOf,
  bytesOf,
  type Fixture,
  listed,
  load,
  openFixture,
  store,
} from "../test/block-fixture.ts";

interface ModelBlock {
  generation: number;
  sealed: boolean;
  readonly live: Set<NeedleId>;
  readonly removed: Set<NeedleId>;
}

class Model {
  readonly blocks = new Map<BlockId, ModelBlock>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  pick<T>(from: Iterable<T>): T | undefined {
    const all = [...from];
    return all[this.#random.u32() % Math.max(1, all.length)];
  }

  async step(f: Fixture): Promise<void> {
    const block = this.pick(this.blocks.keys());
    const kind = this.#random.u32() % 20;
    if (block === undefined || (kind === 0 && this.blocks.size < 5)) return await this.create(f);
    const known = this.blocks.get(block);
    if (known === undefined) return;
    if (kind < 12) await this.append(f, block, known);
    else if (kind < 16) await this.remove(f, block, known);
    else if (kind === 16) await this.seal(f, block, known);
    else if (kind === 17 && known.sealed) await this.compact(f, block, known);
    else await this.readOne(f, block, known);
  }

  async create(f: Fixture): Promise<void> {
    const block = ((this.#random.u32() % 50) + 1) as BlockId;
    if (this.blocks.has(block)) return;
    const generation = (this.#random.u32() % 5) + 1;
    await f.server.createBlock(addressOf(f, block, generation));
    this.blocks.set(block, { generation, sealed: false, live: new Set(), removed: new Set() });
  }

  async append(f: Fixture, block: BlockId, known: ModelBlock): Promise<void> {
    const ids = Array.from({ length: 1 + (this.#random.u32() % 4) }, () => this.#random.needleId());
    const address = addressOf(f, block, known.generation);
    const answers = await Promise.all(ids.map((needle) => store(f, needle, address)));
    ids.forEach((needle, i) => {
      if (known.sealed) expect(answers[i]).toBe("sealed");
      if (answers[i] === "stored") known.live.add(needle);
      else expect(["sealed", "full"]).toContain(answers[i]);
    });
  }

  async remove(f: Fixture, block: BlockId, known: ModelBlock): Promise<void> {
    const ids = [this.pick(known.live), this.pick(known.live), this.#random.needleId()];
    const there = ids.filter((needle) => needle !== undefined);
    await f.server.remove(addressOf(f, block, known.generation), there);
    for (const needle of there) if (known.live.delete(needle)) known.removed.add(needle);
  }

  async seal(f: Fixture, block: BlockId, known: ModelBlock): Promise<void> {
    await f.server.sealBlock(addressOf(f, block, known.generation));
    known.sealed = true;
  }

  async compact(f: Fixture, block: BlockId, known: ModelBlock): Promise<void> {
    await f.server.compact(addressOf(f, block, known.generation));
    await this.remove(f, block, known);
    known.generation++;
    await f.server.switchGeneration(addressOf(f, block, known.generation));
  }

  async readOne(f: Fixture, block: BlockId, known: ModelBlock): Promise<void> {
    const live = this.pick(known.live);
    if (live !== undefined) expect(await load(f, live, block)).toEqual(bytesOf(live));
    const gone = this.pick(known.removed);
    if (gone !== undefined) expect(await load(f, gone, block)).toBe("missing");
  }

  async check(f: Fixture): Promise<void> {
    const statuses = await f.server.blocks(f.device, -1, 100);
    expect(statuses.map((status) => status.block)).toEqual(
      [...this.blocks.keys()].sort((a, b) => a - b),
    );
    for (const status of statuses) {
      const known = this.blocks.get(status.block);
      const live = [...(known?.live ?? [])];
      expect(status).toMatchObject({
        generation: known?.generation,
        sealed: known?.sealed,
        needles: live.length,
        digest: live.reduce((sum, one) => sum ^ one, 0n),
        damage: [],
      });
      const address = addressOf(f, status.block, status.generation);
      expect((await listed(f, address, 100)).sort()).toEqual(live.sort());
      for (const needle of live)
        expect(await load(f, needle, status.block)).toEqual(bytesOf(needle));
      for (const needle of known?.removed ?? [])
        expect(await load(f, needle, status.block)).toBe("missing");
    }
    // A torn mark and an index file that was not renamed are no loss.
    const losses = f.reports.filter(({ kind }) => kind !== "torn-tail" && kind !== "leftover");
    expect(losses).toEqual([]);
  }
}

describe("against a map", () => {
  const seeds = Array.from({ length: 12 }, (_, i) => i + 1);
  test.each(seeds)("with restarts, power cuts and kills, seed %i", async (seed) => {
    const random = seededRandom(seed);
    const model = new Model(random);
    const options = { blockBytes: 60_000 };
    let f = await openFixture(new SimulatedDisk(), options);
    for (let life = 0; life < 5; life++) {
      for (let i = 0; i < 60; i++) await model.step(f);
      const end = random.u32() % 3;
      if (end === 0) await f.server[Symbol.asyncDispose]();
      else if (end === 1) f.disk.kill();
      else f.disk.crash(random);
      f = await openFixture(f.disk, options);
      await model.check(f);
    }
  });
});

describe("on a real disk", () => {
  const modes: Durability[] = ["commit", "interval", "none"];
  test.each(modes)("many at once, durability %s, and again after a close", async (durability) => {
    const directory = mkdtempSync(join(tmpdir(), "quarry-blocks-"));
    try {
      const options = { disk: nodeDisk, clock: systemClock, directories: [directory], durability };
      const first = await openFixture(new SimulatedDisk(), { ...options, blockBytes: 2 ** 22 });
      const model = new Model(seededRandom(5));
      for (let i = 0; i < 4; i++) await model.create(first);
      for (let i = 0; i < 20; i++) {
        // Each block has one worker, so that the model follows; the blocks work at once.
        const work = [...model.blocks].map(async ([block, known]) => {
          await model.append(first, block, known);
          await model.remove(first, block, known);
          await model.readOne(first, block, known);
        });
        await Promise.all(work);
      }
      for (const [block, known] of model.blocks) await model.seal(first, block, known);
      for (const [block, known] of model.blocks) await model.compact(first, block, known);
      await model.check(first);
      await first.server[Symbol.asyncDispose]();
      const second = await openFixture(new SimulatedDisk(), options);
      await model.check(second);
      expect((await second.server.scrub(second.device, { bytesPerSecond: 1e12 })).bad).toBe(0);
      await second.server[Symbol.asyncDispose]();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
