import { expect, test } from "vitest";
import { bitFlipLog } from "./bit-flip-log.ts";

test("a member with a flipped bit in log, state or vote says so, and the group agrees (short form)", async () => {
  const counts = await bitFlipLog({ seconds: 6, members: 3, seed: 20_261_121 });
  expect(counts.complaints).toEqual([]);
  expect(counts).toMatchObject({ lost: 0, wrong: 0, violations: 0, undecided: 0 });
  expect(counts.flips.log.told).toBeGreaterThan(0);
}, 120_000);
