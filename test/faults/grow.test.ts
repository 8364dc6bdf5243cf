import { expect, test } from "vitest";
import { grow } from "./grow.ts";

test("a host that is added gets what CRUSH says, and a drained one gives it back, while all is read (short form)", async () => {
  const counts = await grow({
    ...{ seconds: 60, seed: 20_261_121, scheme: "1+2", hosts: 4, objects: 64 },
  });
  expect(counts.complaints).toEqual([]);
  expect(counts).toMatchObject({ lost: 0, wrong: 0, violations: 0 });
  expect(counts.movedMb).toBeGreaterThan(0);
}, 180_000);
