/** `SIM_PLANTED_SEEDS=200` looks longer for each, and prints how fast it was found. */
import "./short-limits.ts";
import { env } from "node:process";
import { describe, expect, test } from "vitest";
import { planted } from "./planted.ts";
import { World } from "./world.ts";

const seeds = Number(env["SIM_PLANTED_SEEDS"] ?? 40);

describe("a planted bug is found", () => {
  test.each(planted)("$name", async (flaw) => {
    for (let seed = 1; seed <= seeds; seed++) {
      const { violations, lost, wrong, steps } = await new World({ seed, flaw }).run();
      if (violations.length === 0) continue;
      if (env["SIM_PLANTED_SEEDS"] !== undefined)
        console.log(JSON.stringify({ flaw: flaw.name, seed, steps, lost, wrong, violations }));
      return;
    }
    expect.unreachable(`not found in ${seeds} seeds`);
  });
});
