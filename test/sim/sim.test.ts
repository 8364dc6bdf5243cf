import "./short-limits.ts";
import { describe, expect, test } from "vitest";
import { World } from "./world.ts";

const SEEDS = 5;

describe("groups of nameservers in which everything goes wrong", () => {
  test("a seed gives the same history each time", async () => {
    const first = await new World({ seed: 7 }).run();
    const again = await new World({ seed: 7 }).run();
    const other = await new World({ seed: 8 }).run();
    expect(again).toEqual(first);
    expect(other.fingerprint).not.toBe(first.fingerprint);
  }, 120_000);

  test("lose nothing, and answer in an order that explains every answer", async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const report = await new World({ seed }).run();
      expect(report.violations, `seed ${seed}`).toEqual([]);
      expect(report.steps).toBeGreaterThan(2_000);
      const faults = Object.values(report.faults).reduce((sum, count) => sum + count, 0);
      expect(faults).toBeGreaterThanOrEqual(5);
      expect(report.acknowledged).toBeGreaterThan(0);
      expect(report.undecided).toBe(0);
    }
  }, 240_000);
});
