import { expect, test } from "vitest";
import { rot } from "./rot.ts";

test("what rots is never served, is found and made good, and nobody calls it healthy before (short form)", async () => {
  const counts = await rot({
    ...{ seconds: 1, seed: 20_261_121, scheme: "1+2", hosts: 4, objects: 60, flips: 200 },
  });
  expect(counts.complaints).toEqual([]);
  expect(counts).toMatchObject({ lost: 0, wrong: 0, violations: 0, rounds: 1 });
  expect(counts.harmed).toBeGreaterThan(0);
}, 180_000);
