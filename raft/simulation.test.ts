/**
 * Whole groups under chance, each replayed by its seed. `RAFT_SEEDS=2000 RAFT_FIRST=1` runs more of
 * them: `RAFT_SEEDS=2000 npx vitest run raft/simulation.test.ts`.
 */
import { describe, expect, test } from "vitest";
import type { FaultName } from "./testing/faults.ts";
import { type Report, World } from "./testing/world.ts";

const seeds = Number(process.env["RAFT_SEEDS"] ?? 40);
const first = Number(process.env["RAFT_FIRST"] ?? 1);

function storm(seed: number, reads: "quorum" | "lease"): Report {
  try {
    return new World({ seed, reads }).run();
  } catch (error) {
    throw new Error(`seed ${seed}, reads by ${reads}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

describe.each(["quorum", "lease"] as const)("reads by %s", (reads) => {
  test(`${seeds} groups keep every promise`, { timeout: 3_600_000 }, () => {
    const total = { acknowledged: 0, reads: 0, terms: 0, messages: 0, stuck: 0 };
    const faults: Partial<Record<FaultName, number>> = {};
    for (let seed = first; seed < first + seeds; seed++) {
      const report = storm(seed, reads);
      total.acknowledged += report.acknowledged;
      total.reads += report.reads;
      total.terms += report.terms;
      total.messages += report.messages;
      total.stuck += report.stuck ? 1 : 0;
      for (const [name, count] of Object.entries(report.faults))
        faults[name as FaultName] = (faults[name as FaultName] ?? 0) + count;
    }
    console.log(JSON.stringify({ seeds, ...total, faults }));
    expect(total.acknowledged).toBeGreaterThan(100 * seeds);
    expect(total.reads).toBeGreaterThan(50 * seeds);
    // A damaged log may leave a group without a majority; seldom, or nothing would be tested.
    expect(total.stuck).toBeLessThanOrEqual(seeds / 20);
    for (const count of Object.values(faults)) expect(count).toBeGreaterThan(0);
  });
});
