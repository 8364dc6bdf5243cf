/** When others are asked too, and how often that may be early. */
import { describe, expect, test } from "vitest";
import { SimulatedClock } from "../base/clock-simulated.ts";
import type { DeviceId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { Latencies } from "./latencies.ts";

const device = "d" as DeviceId;

function scene() {
  const clock = new SimulatedClock();
  const latencies = new Latencies(clock);
  for (let i = 0; i < 100; i++) latencies.answered(device, 1);
  return { clock, latencies };
}

describe("a device that is late", () => {
  test("is asked last until it answers, and for a while when that was for long", async () => {
    const { clock, latencies } = scene();
    const early = Promise.withResolvers<void>();
    latencies.late(device, limits.hedgeLeastMs, early.promise);
    expect(latencies.isShunned(device)).toBe(true);
    early.resolve();
    await early.promise;
    expect(latencies.isShunned(device)).toBe(false);
    latencies.late(device, limits.hedgeMs, early.promise);
    expect(latencies.isShunned(device)).toBe(true);
    clock.advance(limits.shunMs + 1);
    expect(latencies.isShunned(device)).toBe(false);
  });

  test("is read around early for a share of the reads only", () => {
    const { latencies } = scene();
    const reads = 10_000;
    let early = 0;
    for (let i = 0; i < reads; i++) {
      const afterMs = latencies.lateAfterMs(device);
      // Whatever the machine does, each read is late.
      latencies.late(device, afterMs, Promise.resolve());
      if (afterMs < limits.hedgeMs) early++;
      latencies.answered(device, 1);
    }
    expect(early).toBeGreaterThan(limits.hedgesAtOnce);
    expect(early).toBeLessThanOrEqual(limits.hedgesAtOnce + reads * limits.hedgeShare);
  });
});
