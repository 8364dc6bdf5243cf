/** Between walks. */
import { expect, test } from "vitest";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import { limits } from "../../base/limits.ts";
import { WalkRest } from "./walk-rest.ts";

test("a rest is as long as is asked for, or as the walk was large", () => {
  const clock = new SimulatedClock();
  const rest = new WalkRest(clock, 10_000);
  expect(rest.isOver).toBe(true);
  rest.saw(5 * limits.walkedEachSecond);
  rest.begin();
  clock.advance(9_999);
  expect(rest.isOver).toBe(false);
  clock.advance(1);
  expect(rest.isOver).toBe(true);
  for (let n = 0; n < 60; n++) rest.saw(limits.walkedEachSecond);
  rest.begin();
  clock.advance(59_999);
  expect(rest.isOver).toBe(false);
  clock.advance(1);
  expect(rest.isOver).toBe(true);
  rest.begin();
  clock.advance(10_000);
  expect(rest.isOver).toBe(true);
});
