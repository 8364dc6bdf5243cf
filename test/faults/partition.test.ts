import { expect, test } from "vitest";
import { partition } from "./partition.ts";
import { whyNotPrivate } from "./private-network.ts";

const why = whyNotPrivate();
if (why !== undefined) console.warn(`NOT TESTED: cut networks between processes; ${why}`);

test.skipIf(why !== undefined)(
  "a leader cut off loses nothing and answers nothing old (short form)",
  async () => {
    const counts = await partition({ seconds: 4, members: 3, seed: 20_261_121 });
    expect(counts.complaints).toEqual([]);
    expect(counts).toMatchObject({ lost: 0, wrong: 0, violations: 0, undecided: 0 });
    expect(counts.failovers).toBeGreaterThan(0);
  },
  120_000,
);
