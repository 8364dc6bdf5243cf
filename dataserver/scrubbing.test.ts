import { describe, expect, test } from "vitest";
import type { SimulatedClock } from "../base/clock-simulated.ts";
import type { BlockId, NeedleId } from "../base/ids.ts";
import { seededRandom } from "../base/random.ts";
import { addressOf, blockFile, type Fixture, openFixture, store } from "../test/block-fixture.ts";
import { startScrubbing } from "./scrubbing.ts";

const block = (n: number) => n as BlockId;
const fast = { bytesPerSecond: 2 ** 40 };

async function tick(clock: SimulatedClock, ms: number): Promise<void> {
  clock.advance(ms);
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function sealed(f: Fixture, ...ids: number[]): Promise<void> {
  for (const id of ids) {
    await f.server.createBlock(addressOf(f, block(id)));
    await store(f, BigInt(id) as NeedleId, addressOf(f, block(id)), Buffer.alloc(100_000, id));
    await f.server.sealBlock(addressOf(f, block(id)));
  }
}

const checked = async (f: Fixture) =>
  (await f.server.blocks(f.device, 0, 100)).map((one) => [one.block, one.checkedMs]);

describe("scrubbing", () => {
  test("reads what was just sealed at once, and everything again after a rest", async () => {
    const f = await openFixture();
    const options = { clock: f.clock, bytesPerSecond: 1e9, restMs: 60_000, report: () => {} };
    await using scrubbing = startScrubbing(f.server, options);
    await f.server.createBlock(addressOf(f, block(9)));
    await sealed(f, 1, 2);
    expect(scrubbing.blocks).toBe(0);
    await tick(f.clock, 1000);
    expect(scrubbing.blocks).toBe(2);
    for (let i = 0; i < 58; i++) await tick(f.clock, 1000);
    expect(scrubbing.blocks).toBe(2);
    f.disk.flip(blockFile(block(2)), 50_000);
    for (let i = 0; i < 3; i++) await tick(f.clock, 1000);
    expect(scrubbing.blocks).toBe(5);
    const damaged = (await f.server.blocks(f.device, 0, 9)).filter((one) => one.damage.length > 0);
    expect(damaged.map((one) => [one.block, one.checkedMs])).toEqual([[2, undefined]]);
  });

  test("a pace of nothing turns it off", async () => {
    const f = await openFixture();
    const options = { clock: f.clock, bytesPerSecond: 0, restMs: 1, report: () => {} };
    await using scrubbing = startScrubbing(f.server, options);
    await sealed(f, 1);
    await tick(f.clock, 5000);
    expect(scrubbing.blocks).toBe(0);
  });
});

describe("a block is checked", () => {
  test("when it is empty, not when it was written, and when it was read", async () => {
    const f = await openFixture();
    f.clock.advance(5);
    await f.server.createBlock(addressOf(f, block(1)));
    expect(await checked(f)).toEqual([[1, f.clock.nowMs()]]);
    await store(f, 1n as NeedleId, addressOf(f, block(1)));
    await f.server.sealBlock(addressOf(f, block(1)));
    expect(await checked(f)).toEqual([[1, undefined]]);
    const [before] = await f.server.devices();
    f.clock.advance(5);
    await f.server.scrub(f.device, fast);
    expect(await checked(f)).toEqual([[1, f.clock.nowMs()]]);
    const [after] = await f.server.devices();
    expect(after?.news?.number).toBe((before?.news?.number ?? 0) + 1);
  });

  test("no more when damage is found, by whomever, and not by reading it again", async () => {
    const f = await openFixture();
    await sealed(f, 1);
    await f.server.scrub(f.device, fast);
    f.disk.flip(blockFile(block(1)), 50_000);
    await f.server.scrub(f.device, fast);
    await f.server.scrub(f.device, fast);
    expect(await checked(f)).toEqual([[1, undefined]]);
    expect([...f.server.unread(f.device)]).toEqual([]);
  });

  test("after its generation was switched, since it was read back", async () => {
    const f = await openFixture();
    await sealed(f, 1);
    await f.server.compact(addressOf(f, block(1)));
    await f.server.switchGeneration(addressOf(f, block(1), 2));
    expect(await checked(f)).toEqual([[1, f.clock.nowMs()]]);
  });

  test("over a start in order, not after a crash, a move, or in a block that is another", async () => {
    const f = await openFixture(undefined, { opener: "one" });
    await sealed(f, 1, 2);
    await f.server.scrub(f.device, fast);
    const was = await checked(f);
    await f.server[Symbol.asyncDispose]();

    const again = await openFixture(f.disk, { opener: "one" });
    expect(await checked(again)).toEqual(was);
    again.disk.crash(seededRandom(1));
    const crashed = await openFixture(f.disk, { opener: "one" });
    expect(await checked(crashed)).toEqual([
      [1, undefined],
      [2, undefined],
    ]);
    await crashed.server.scrub(crashed.device, fast);
    await crashed.server[Symbol.asyncDispose]();

    const moved = await openFixture(f.disk, { opener: "two" });
    expect(await checked(moved)).toEqual([
      [1, undefined],
      [2, undefined],
    ]);
    expect(moved.reports.map(({ kind }) => kind)).toContain("moved");
    expect([...moved.server.unread(moved.device)].toSorted()).toEqual([1, 2]);
    await moved.server[Symbol.asyncDispose]();
  });

  test("not by what a damaged file says", async () => {
    const f = await openFixture();
    await sealed(f, 1);
    await f.server.scrub(f.device, fast);
    await f.server[Symbol.asyncDispose]();
    f.disk.flip("/data/checked", 20);
    const again = await openFixture(f.disk);
    expect(await checked(again)).toEqual([[1, undefined]]);
    expect(await f.disk.exists("/data/checked")).toBe(false);
  });
});
