/** Gaps are found, by the ticking and by whoever asks first; short ones do not count. */
import { expect, test } from "vitest";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import { limits } from "../../base/limits.ts";
import { Awake } from "./awake.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a process that ran all the time is awake since it began; one that stood still, since then", async () => {
  const clock = new SimulatedClock();
  const begunMs = clock.monotonicMs();
  const awake = new Awake(clock);
  for (let look = 0; look < 3 * (limits.standstillMs / limits.awakeLookMs); look++) {
    clock.advance(limits.awakeLookMs);
    await turn();
  }
  expect(awake.sinceMs).toBe(begunMs);
  clock.advance(limits.standstillMs);
  const wokenMs = clock.monotonicMs();
  expect(awake.sinceMs).toBe(wokenMs);
  await turn();
  clock.advance(limits.awakeLookMs);
  await turn();
  expect(awake.sinceMs).toBe(wokenMs);
  await awake.end();
});
