import { expect, test } from "vitest";
import { chaos } from "./chaos.ts";

test("whatever happens within what pools can do without, nothing is lost or wrong (short form)", async () => {
  const counts = await chaos({
    ...{ seconds: 12, seed: 20_261_121, scheme: "1+2", hosts: 4, sweepSeconds: 0 },
  });
  expect(counts.complaints).toEqual([]);
  expect(counts).toMatchObject({ lost: 0, wrong: 0, violations: 0, undecided: 0, resurrected: 0 });
  expect(Object.keys(counts.mischief).length).toBeGreaterThan(2);
}, 600_000);
