import { expect, test } from "vitest";
import { syncError, whyNotPreloaded } from "./sync-error.ts";

const why = whyNotPreloaded();
if (why !== undefined) console.warn(`NOT TESTED: an fsync that fails in a real process; ${why}`);

test.skipIf(why !== undefined)(
  "a nameserver whose disk cannot sync stops and says so; the others carry on (short form)",
  async () => {
    const counts = await syncError({ seconds: 1, members: 3, seed: 20_261_121 });
    expect(counts.complaints).toEqual([]);
    expect(counts).toMatchObject({ lost: 0, wrong: 0, violations: 0, undecided: 0 });
    expect(counts.stopped).toBeGreaterThan(0);
  },
  120_000,
);
