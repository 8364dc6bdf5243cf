import { expect, test } from "vitest";
import { SimulatedClock } from "../base/clock-simulated.ts";
import type { Disk, DiskSpace } from "../base/disk.ts";
import { FreeSpace } from "./free-space.ts";

function scene(freeBytes: number) {
  const clock = new SimulatedClock();
  const now: { space: DiskSpace | undefined } = { space: { totalBytes: 1_000, freeBytes } };
  const disk = {
    space: async () => now.space ?? Promise.reject(new Error("EIO")),
  } as unknown as Disk;
  const space = new FreeSpace(disk, clock, "/disk", 100);
  return { clock, now, space };
}

test("is full before the disk is, counts what was taken since it was asked, and comes back by itself", async () => {
  const { clock, now, space } = scene(200);
  expect(await space.take(60)).toBe(true);
  expect(await space.isFull()).toBe(false);
  expect(await space.take(60)).toBe(false);
  expect(await space.isFull()).toBe(false);
  now.space = { totalBytes: 1_000, freeBytes: 99 };
  clock.advance(1_000);
  expect(await space.isFull()).toBe(true);
  now.space = { totalBytes: 1_000, freeBytes: 105 };
  clock.advance(1_000);
  expect([await space.isFull(), await space.take(1)]).toEqual([true, false]);
  now.space = { totalBytes: 1_000, freeBytes: 500 };
  clock.advance(1_000);
  expect(await space.isFull()).toBe(false);
  expect(await space.take(60)).toBe(true);
});

test("a disk that was pulled out takes nothing, until it answers again", async () => {
  const { clock, now, space } = scene(500);
  expect(await space.now()).toEqual({ totalBytes: 1_000, freeBytes: 500 });
  now.space = undefined;
  clock.advance(1_000);
  expect(await space.take(1)).toBe(false);
  expect([await space.now(), space.isGone]).toEqual([{ totalBytes: 1_000, freeBytes: 0 }, true]);
  now.space = { totalBytes: 1_000, freeBytes: 500 };
  clock.advance(1_000);
  expect([await space.take(1), space.isGone]).toEqual([true, false]);
});
