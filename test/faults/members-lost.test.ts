import { expect, test } from "vitest";
import { membersLost } from "./members-lost.ts";

test.each([
  ["1+2", 4],
  ["4+2", 7],
])(
  "without as many members as a %s pool can do without every object is read, and written (short form)",
  async (scheme, hosts) => {
    const counts = await membersLost({
      ...{ seconds: 1, seed: 20_261_121, scheme, hosts, objects: 30 },
    });
    expect(counts.complaints).toEqual([]);
    expect(counts).toMatchObject({ lost: 0, wrong: 0, violations: 0 });
    expect(counts.reads).toBeGreaterThan(60);
  },
  120_000,
);
