/** `SIM_PLANTED_SEEDS=200` looks longer for each, and prints how fast it was found. */
import "./short-limits.ts";
import { env } from "node:process";
import { describe, expect, test } from "vitest";
import { planted } from "./planted.ts";
import { plantedInBlocks } from "./planted-blocks.ts";
import { plantedInHealing } from "./planted-healing.ts";
import { plantedInStripes } from "./planted-stripes.ts";
import { World } from "./world.ts";

const bare = planted.map((flaw) => ({ ...flaw, isBare: true }));
const seeds = Number(env["SIM_PLANTED_SEEDS"] ?? 40);

describe("a planted bug is found", () => {
  test.each([...bare, ...plantedInBlocks, ...plantedInHealing, ...plantedInStripes])(
    "$name",
    async (flaw) => {
      const { knownSeed: first = 1, isBare = false } = flaw;
      let simulatedMs = 0;
      for (let seed = first; seed < first + seeds; seed++) {
        const report = await new World({ seed, flaw, isBare }).run();
        const { violations, steps } = report;
        simulatedMs += report.simulatedMs;
        if (violations.length === 0) continue;
        if (env["SIM_PLANTED_SEEDS"] !== undefined)
          console.log(JSON.stringify({ flaw: flaw.name, seed, steps, simulatedMs, violations }));
        return;
      }
      expect.unreachable(`not found in ${seeds} seeds`);
    },
    600_000,
  );
});
