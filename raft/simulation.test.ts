/**
 * Whole groups under chance, each replayed by its seed. `RAFT_SEEDS=2000 RAFT_FIRST=1` runs more of
 * them: `RAFT_SEEDS=2000 npx vitest run raft/simulation.test.ts`.
 */
import { describe, expect, test } from "vitest";
import { type Report, World } from "./testing/world.ts";

const seeds = Number(process.env["RAFT_SEEDS"] ?? 20);
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
    const total: Record<string, number> = {};
    const add = (name: string, count: number) => {
      total[name] = (total[name] ?? 0) + count;
    };
    for (let seed = first; seed < first + seeds; seed++) {
      const { faults, stuck, ...counts } = storm(seed, reads);
      for (const [name, count] of Object.entries({ ...counts, stuck: Number(stuck) }))
        add(name, count);
      for (const [name, count] of Object.entries(faults)) add(`fault ${name}`, count);
    }
    console.log(JSON.stringify({ seeds, ...total }));
    expect(total["acknowledged"]).toBeGreaterThan(100 * seeds);
    expect(total["reads"]).toBeGreaterThan(50 * seeds);
    // A damaged log may leave a group without a majority; seldom, or nothing would be tested.
    expect(total["stuck"]).toBeLessThanOrEqual(seeds / 20);
    const { stuck: _, ...rest } = total;
    for (const [name, count] of Object.entries(rest)) expect(count, name).toBeGreaterThan(0);
  });
});
