import { expect, test } from "vitest";
import { bitFlips } from "./bit-flips.ts";

test("a flipped bit in any file is named or harmless, never a wrong or missing object (short form)", async () => {
  const counts = await bitFlips({ rounds: 60, seed: 11 });
  expect(counts.complaints).toEqual([]);
  expect(counts).toMatchObject({ lost: 0, wrong: 0 });
  expect(counts.refused + counts.named).toBeGreaterThan(10);
}, 180_000);
