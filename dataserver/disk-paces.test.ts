import { expect, test } from "vitest";
import { SimulatedClock } from "../base/clock-simulated.ts";
import type { DeviceId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { DiskPaces } from "./disk-paces.ts";

const disk = "disk" as DeviceId;

test("a mean of what was done of late, for appends and reads apart, forgotten after a while", async () => {
  const clock = new SimulatedClock();
  const paces = new DiskPaces(clock);
  const take = (ms: number) => async () => clock.advance(ms);
  expect(paces.of(disk)).toEqual({});
  await paces.timed(disk, "append", take(8));
  expect(paces.of(disk)).toEqual({ appendMs: 8 });
  await paces.timed(disk, "append", take(16));
  await paces.timed(disk, "read", take(2));
  expect(paces.of(disk)).toEqual({ appendMs: 9, readMs: 2 });
  const failing = paces.timed(disk, "read", async () => {
    clock.advance(500);
    throw new Error("EIO");
  });
  await expect(failing).rejects.toThrow("EIO");
  expect(paces.of(disk)).toEqual({ appendMs: 9, readMs: 2 });
  clock.advance(limits.paceKeptMs);
  expect(paces.of(disk)).toEqual({});
  await paces.timed(disk, "append", take(100));
  expect(paces.of(disk)).toEqual({ appendMs: 100 });
});

test("a disk that does not answer takes as long as it has not answered", async () => {
  const clock = new SimulatedClock();
  const paces = new DiskPaces(clock);
  const hanging = Promise.withResolvers<void>();
  const appending = paces.timed(disk, "append", () => hanging.promise);
  clock.advance(limits.slowLeastMs - 1);
  expect(paces.of(disk)).toEqual({});
  clock.advance(10_000);
  expect(paces.of(disk).appendMs).toBeGreaterThan(10_000);
  hanging.resolve();
  await appending;
});
