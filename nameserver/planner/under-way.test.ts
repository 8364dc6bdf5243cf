import { expect, test } from "vitest";
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { usualHealing } from "../../rpc/healing.ts";
import type { RebuildProgress } from "../../rpc/healing-service.ts";
import type { RemakeNeed } from "./need.ts";
import { Needs } from "./needs.ts";
import { Tally } from "./tally.ts";
import { UnderWay } from "./under-way.ts";

const MiB = 2 ** 20;
const block = 7 as BlockId;
const to = "d" as DeviceId;
const need: RemakeNeed = {
  ...{ kind: "rebuild", block, generation: 1, spare: 0, bytes: 200 * MiB },
  ...{ targets: [to], readers: [], position: 0, from: null, to, sources: [], awaited: [] },
};

function healing() {
  let nowMs = 5_000;
  let bytesDone = 0;
  const tally = new Tally();
  const needs = new Needs();
  needs.set(block, need, undefined);
  const running = new Map([[block, need]]);
  const rebuilds = async (): Promise<RebuildProgress[]> => [
    { device: to, block, generation: 1, needles: 1, needlesDone: 0, bytes: 100 * MiB, bytesDone },
  ];
  const moved = (bytes: number) => tally.moved(bytes, nowMs);
  const underWay = new UnderWay({ running, rebuilds, moved });
  const progress = () =>
    tally.progress({
      ...{ needs, running, failed: new Map(), settings: usualHealing, isKnown: true, leaving: [] },
      ...{ nowMs, bytesUnderWay: underWay.bytes },
    });
  const after = async (ms: number, done: number) => {
    nowMs += ms;
    bytesDone = done;
    underWay.look(nowMs);
    await underWay.end();
    return progress();
  };
  tally.begun(nowMs);
  return { tally, underWay, after, progress, nowMs: () => nowMs };
}

test("no estimate is given before something was measured for a while", async () => {
  const { after } = healing();
  expect((await after(1, 0)).estimateMs).toBeUndefined();
  expect((await after(limits.healingMeasureMs, 1024)).estimateMs).toBeUndefined();
});

test("what runs counts as it goes on, and once", async () => {
  const { tally, underWay, after, progress, nowMs } = healing();
  const half = await after(10_000, 50 * MiB);
  expect(half).toMatchObject({ bytesDone: 100 * MiB, bytesLeft: 100 * MiB, estimateMs: 10_000 });
  tally.moved(200 * MiB - underWay.ended(block), nowMs());
  expect(progress().bytesDone).toBe(200 * MiB);
});

test("the pace is that of the last minute, however long it goes on", async () => {
  const { after } = healing();
  await after(100_000, 50 * MiB);
  const { bytesPerSecond } = await after(20_000, 80 * MiB);
  expect(bytesPerSecond).toBe(Math.round((160 * MiB) / 60));
});
