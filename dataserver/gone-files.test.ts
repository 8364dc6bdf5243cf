import { expect, test } from "vitest";
import type { SimulatedClock } from "../base/clock-simulated.ts";
import type { BlockId, NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import {
  addressOf,
  blockFile,
  DIRECTORY,
  type Fixture,
  indexFile,
  load,
  openFixture,
  store,
} from "../test/block-fixture.ts";
import { startScrubbing } from "./scrubbing.ts";

const [one, two, open] = [1, 2, 3] as [BlockId, BlockId, BlockId];
const needle = 5n as NeedleId;

async function tick(clock: SimulatedClock, ms: number): Promise<void> {
  clock.advance(ms);
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function scene(): Promise<Fixture> {
  const f = await openFixture();
  for (const block of [one, two, open]) {
    await f.server.createBlock(addressOf(f, block));
    expect(await store(f, needle, addressOf(f, block))).toBe("stored");
    if (block !== open) await f.server.sealBlock(addressOf(f, block));
  }
  return f;
}

const here = async (f: Fixture) =>
  (await f.server.blocks(f.device, 0, 9)).map(({ block }) => block);

test("a block whose file was taken away is told as gone, though nobody reads it", async () => {
  const f = await scene();
  const options = { clock: f.clock, bytesPerSecond: 1e9, restMs: 1e9, report: expect.fail };
  await using _ = startScrubbing(f.server, options);
  for (let ms = 0; ms <= limits.goneFilesLookMs; ms += 1_000) await tick(f.clock, 1_000);
  const [before] = await f.server.devices();
  await f.disk.remove(blockFile(two));
  await f.disk.remove(blockFile(open));
  for (let ms = 0; ms <= limits.goneFilesLookMs; ms += 1_000) await tick(f.clock, 1_000);
  expect(await here(f)).toEqual([one]);
  const news = before?.news ?? { era: 0, number: 0 };
  expect((await f.server.report(f.device, news, 9)).gone).toEqual([two, open]);
  expect(f.reports.filter(({ kind }) => kind === "gone").map(({ path }) => path)).toEqual([
    blockFile(two),
    blockFile(open),
  ]);
  // What is acknowledged from now on would not be there at the next start.
  expect(await store(f, 6n as NeedleId, addressOf(f, open))).toBe("missing");
  expect(await f.disk.exists(indexFile(two))).toBe(false);
  await f.server.createBlock(addressOf(f, two, 2));
  await f.server[Symbol.asyncDispose]();
  expect(await f.disk.exists(indexFile(open))).toBe(false);
});

test("who reads it hears so at once", async () => {
  const f = await scene();
  await f.disk.remove(blockFile(one));
  expect(await load(f, needle, one)).toBe("missing");
  expect(await here(f)).toEqual([two, open]);
});

test("a folder that was emptied is no device any more: it fails, and nothing is let go of", async () => {
  const f = await scene();
  for (const path of f.disk.paths()) await f.disk.remove(path);
  expect(await f.server.letGoneGo(f.device)).toBe(0);
  const [status] = await f.server.devices();
  expect(status?.state).toBe("failed");
  expect(f.reports.at(-1)).toMatchObject({ kind: "device-failed", path: DIRECTORY });
  expect(f.reports.at(-1)?.message).toContain("its identity.json is gone");
});
