import { expect, test } from "vitest";
import { manyNeedles } from "./many-needles.ts";

test.skipIf(process.platform !== "linux")(
  "many needles are still there after a clean end and after a kill (short form)",
  async () => {
    const counts = await manyNeedles({ needles: 600_000, seed: 20_261_121 });
    expect(counts.complaints).toEqual([]);
    expect(counts).toMatchObject({ lost: 0, wrong: 0, violations: 0 });
  },
  120_000,
);
