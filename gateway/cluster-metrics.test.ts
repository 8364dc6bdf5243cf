import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { SimulatedClock } from "../base/clock-simulated.ts";
import { type Capacity, type Health, healthLevels } from "../rpc/health.ts";
import { addClusterMetrics } from "./cluster-metrics.ts";

const counts = Object.fromEntries(healthLevels.map((level, i) => [level, i])) as Health["blocks"];
const health: Health = {
  ...{ level: "degraded", asOfMs: 1, blocks: counts, bytes: counts, atRisk: [] },
  concerns: [{ level: "degraded", kind: "pool", of: "p", message: "no place" }],
  moreConcerns: 3,
};
const capacity: Capacity = {
  ...{ asOfMs: 1, totalBytes: 9, freeBytes: 5, repairBytes: 2, keepsRepairRoom: true },
  devices: [],
  pools: [
    {
      ...{ pool: 1, name: "p", scheme: { k: 4, m: 2 }, failureDomain: "host", blocks: 1 },
      ...{ usedBytes: 40, storedBytes: 60, usableBytes: 400, overhead: 1.5 },
      ...{ places: 6, placesNeeded: 6 },
    },
  ],
};

test("health and capacity are told as numbers, asked for once in a scrape", async () => {
  const registry = new Registry();
  let asked = 0;
  const names = {
    health: async () => {
      asked++;
      return health;
    },
    capacity: async () => capacity,
  };
  addClusterMetrics(registry, names, new SimulatedClock());
  const text = await registry.metrics();
  expect(asked).toBe(1);
  expect(text).toContain("quarry_healthy 0\n");
  expect(text).toContain('quarry_blocks{level="degraded"} 3\n');
  expect(text).toContain('quarry_concerns{level="degraded"} 1\n');
  expect(text).toContain('quarry_pool_usable_bytes{pool="p"} 400\n');
});

test("while nobody answers, or answers in time, nothing but that it is not known to be healthy is told, and nobody waits", async () => {
  for (const answer of [
    () => Promise.reject(new Error("no leader")),
    () => new Promise<never>(() => {}),
  ]) {
    const registry = new Registry();
    const clock = new SimulatedClock();
    addClusterMetrics(registry, { health: answer, capacity: answer }, clock);
    const told = registry.metrics();
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1_000);
    expect(await told).toContain("quarry_healthy 0\n");
    expect(await told).not.toMatch(/^quarry_(?!healthy )/m);
  }
});
