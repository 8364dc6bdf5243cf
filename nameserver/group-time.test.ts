import { describe, expect, test } from "vitest";
import { SimulatedClock } from "../base/clock-simulated.ts";
import type { ServerId } from "../base/ids.ts";
import { GroupTime } from "./group-time.ts";

const HOUR_MS = 3_600_000;
const SECOND_MS = 1_000;

/** Dataservers with clocks of their own, that are heard every second. */
function scene(offsetsMs: readonly number[]) {
  const clock = new SimulatedClock();
  const startMs = clock.nowMs();
  const offsets = [...offsetsMs];
  const log = { timeMs: 0 };
  const told: string[] = [];
  const time = new GroupTime(
    clock,
    () => log.timeMs,
    (words) => told.push(words),
  );
  /** Since the beginning, as a watch that was never set would say. */
  const trueMs = () => startMs + clock.monotonicMs();
  const seconds = (count: number) => {
    for (let n = 0; n < count; n++) {
      clock.advance(SECOND_MS);
      for (const [i, offsetMs] of offsets.entries())
        time.heard(`s${i}` as ServerId, trueMs() + offsetMs);
      log.timeMs = Math.max(log.timeMs, Math.floor(time.nowMs()));
    }
  };
  return { clock, time, log, told, offsets, seconds, errorMs: () => time.nowMs() - trueMs() };
}

describe("the time of a nameserver whose clock jumps", () => {
  test.each([5 * HOUR_MS, -5 * HOUR_MS])("by %d ms is that of the dataservers", (byMs) => {
    const { clock, told, seconds, errorMs } = scene([0, 20, -20]);
    seconds(3);
    expect(errorMs()).toBe(0);
    clock.jump(byMs);
    // At once, before anybody is heard again.
    expect(Math.abs(errorMs())).toBeLessThan(100);
    seconds(HOUR_MS / SECOND_MS);
    expect(Math.abs(errorMs())).toBeLessThan(100);
    expect(told).toEqual([
      expect.stringMatching(/clock of this nameserver is 5.0 hours (ahead of|behind) those/),
    ]);
    clock.jump(-byMs);
    seconds(3);
    expect(Math.abs(errorMs())).toBeLessThan(100);
    expect(told.at(-1)).toContain("agrees with the others");
  });

  test("is its own when the others do not agree, are too few, or agree with it", () => {
    for (const offsets of [[], [-HOUR_MS], [-HOUR_MS, HOUR_MS], [0, 0, -HOUR_MS]]) {
      const { clock, seconds, errorMs, told } = scene(offsets);
      seconds(3);
      expect([errorMs(), told]).toEqual([0, []]);
      clock.advance(SECOND_MS);
      expect(errorMs()).toBe(0);
    }
  });
  test("follows a jump that all make together: the machine slept, or all clocks were set", () => {
    const { clock, offsets, seconds, errorMs } = scene([0, 0, 0]);
    seconds(3);
    clock.jump(8 * HOUR_MS);
    offsets.fill(8 * HOUR_MS);
    seconds(2);
    expect(errorMs()).toBe(8 * HOUR_MS);
  });
});

test("time never goes back, and does not stand still until the wall has caught up", () => {
  const { clock, time, seconds } = scene([]);
  seconds(2);
  const before = time.nowMs();
  clock.jump(-HOUR_MS);
  expect(time.nowMs()).toBe(before);
  clock.advance(60 * SECOND_MS);
  expect(time.nowMs() - before).toBe(30 * SECOND_MS);
  seconds((2 * HOUR_MS) / SECOND_MS);
  expect(time.nowMs()).toBe(clock.nowMs());
});

test("a log that is ahead, since somebody with such a clock led, is followed the same way", () => {
  const { clock, time, log } = scene([]);
  log.timeMs = clock.nowMs() + HOUR_MS;
  expect(time.nowMs()).toBe(log.timeMs);
  clock.advance(10 * SECOND_MS);
  expect(time.nowMs()).toBe(log.timeMs + 5 * SECOND_MS);
});
