import { expect, test } from "vitest";
import { leaderKill } from "./leader-kill.ts";

test.each([
  ["clients of nameservers", 0],
  ["S3 clients of two gateways", 2],
])(
  "a killed leader loses nothing of %s, and what they see has an order (short form)",
  async (_who, gateways) => {
    const counts = await leaderKill({ seconds: 4, members: 3, gateways, seed: 20_261_121 });
    expect(counts.complaints).toEqual([]);
    expect(counts).toMatchObject({ lost: 0, wrong: 0, violations: 0, undecided: 0 });
    expect(counts.failovers).toBeGreaterThan(0);
    expect(counts.judged.operations).toBeGreaterThan(10);
  },
  120_000,
);
