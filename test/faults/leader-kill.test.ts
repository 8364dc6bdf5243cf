import { expect, test } from "vitest";
import { leaderKill } from "./leader-kill.ts";

test("a leader killed again and again loses nothing, and what clients see has an order (short form)", async () => {
  const counts = await leaderKill({ seconds: 5, members: 3, seed: 20_261_121 });
  expect(counts.complaints).toEqual([]);
  expect(counts).toMatchObject({ lost: 0, wrong: 0, violations: 0, undecided: 0 });
  expect(counts.failovers).toBeGreaterThan(0);
  expect(counts.judged.operations).toBeGreaterThan(100);
}, 120_000);
