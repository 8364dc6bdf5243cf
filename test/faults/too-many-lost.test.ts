import { expect, test } from "vitest";
import { tooManyLost } from "./too-many-lost.ts";

test("with one member too many away reads are refused soon, and go on when one is back (short form)", async () => {
  const counts = await tooManyLost({
    ...{ seconds: 1, seed: 20_261_121, scheme: "1+2", hosts: 4, objects: 30 },
  });
  expect(counts.complaints).toEqual([]);
  expect(counts).toMatchObject({ lost: 0, wrong: 0, violations: 0, rounds: 1 });
  expect(Object.keys(counts.refusals)).toEqual(["503 ServiceUnavailable"]);
}, 120_000);
