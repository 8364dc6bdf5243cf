import { expect, test } from "vitest";
import { lostDataserver } from "./lost-dataserver.ts";

test.each([
  ["lost for good", "4+2", 7, false],
  ["put out", "1+2", 4, true],
])(
  "what a dataserver had that is %s is made anew elsewhere, %s over %d hosts (short form)",
  async (_how, scheme, hosts, drain) => {
    const counts = await lostDataserver({
      ...{ seconds: 90, seed: 20_261_121, scheme, hosts, gib: 0.03, drain, isJudged: false },
    });
    expect(counts.complaints).toEqual([]);
    expect(counts).toMatchObject({ lost: 0, wrong: 0, violations: 0 });
    expect(counts.heldMb).toBeGreaterThan(10);
  },
  180_000,
);
