import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { SimulatedClock } from "../base/clock-simulated.ts";
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { emptyMap, type MapAnswer } from "../rpc/cluster-map.ts";
import { firstPool, STANDARD } from "../rpc/pool.ts";
import { PoolChoice } from "./pool-choice.ts";

const MiB = 1024 * 1024;
const split = { ...firstPool, id: 3, name: "large", scheme: { k: 4, m: 2 } };
const map = {
  ...emptyMap,
  epoch: 7,
  pools: [firstPool, split],
  storageClasses: [STANDARD, { name: "COLD", small: 0, large: 3, thresholdBytes: MiB }],
};

function fixture(first: MapAnswer) {
  const clock = new SimulatedClock();
  const asked: number[] = [];
  const answers = { now: async () => first };
  const clusterMap = (newerThan: number) => {
    asked.push(newerThan);
    return answers.now();
  };
  return { clock, asked, answers, choice: new PoolChoice({ clusterMap }, clock) };
}

test("small objects, and the short ends of large ones, go to the small pool", async () => {
  const { choice, asked } = fixture({ epoch: 7, map, down: [] });
  const placed = { storageClass: "COLD", objectBytes: 4 * MiB + 1 };
  expect(await choice.poolOf(placed, 4 * MiB)).toBe(3);
  expect(await choice.poolOf(placed, 4 * limits.pieceBytesMin)).toBe(3);
  expect(await choice.poolOf(placed, 4 * limits.pieceBytesMin - 1)).toBe(0);
  expect(await choice.poolOf({ ...placed, objectBytes: MiB - 1 }, MiB - 1)).toBe(0);
  expect(await choice.poolOf({ storageClass: "COLD" }, MiB)).toBe(3);
  expect(await choice.poolOf({ storageClass: "COLD" }, MiB - 1)).toBe(0);
  expect(await choice.poolOf({}, 4 * MiB)).toBe(0);
  await expect(choice.poolOf({ storageClass: "WARM" }, 1)).rejects.toMatchObject({
    code: "NoSuchStorageClass",
  });
  expect(asked).toEqual([0, 7]);
});

test("a change is heard of beside the work, and a nameserver that is away is no hindrance", async () => {
  const { choice, clock, answers, asked } = fixture({ epoch: 0, down: [] });
  const placed = { objectBytes: MiB };
  expect(choice.known(placed, MiB)).toBeUndefined();
  expect(await choice.poolOf(placed, MiB)).toBe(0);
  answers.now = () => Promise.reject(new QuarryError("Unavailable", "nobody leads"));
  clock.advance(limits.poolsKeptMs);
  expect(choice.known(placed, MiB)).toBe(0);
  await turn();
  const standard = { ...STANDARD, large: 3 };
  answers.now = async () => ({ epoch: 7, map: { ...map, storageClasses: [standard] }, down: [] });
  clock.advance(limits.poolsKeptMs);
  expect(choice.known(placed, MiB)).toBe(0);
  await turn();
  expect(choice.known(placed, MiB)).toBe(3);
  expect(asked).toEqual([0, 0, 0]);
  answers.now = () => Promise.reject(new QuarryError("Unavailable", "nobody leads"));
  choice.forget();
  expect(choice.known(placed, MiB)).toBeUndefined();
  await expect(choice.poolOf(placed, MiB)).rejects.toMatchObject({ code: "Unavailable" });
});
