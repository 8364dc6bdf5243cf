import { expect, test } from "vitest";
import { ratiosOf, rowsOf, type Sample } from "./result.ts";

function sample(endpoint: string, round: number, speed: number, cpu?: number): Sample {
  return {
    ...{ workload: "put-4k", lanes: 32, endpoint, round, failures: 0 },
    ...{ operations: speed, seconds: 1, operationsPerSecond: speed },
    ...{ megabytesPerSecond: speed, keysPerSecond: 0, p50Ms: round, p99Ms: 2, p999Ms: 3 },
    ...{ loadCpuMicros: 5, loadAverage: 1 },
    ...(cpu !== undefined && {
      server: {
        ...{ cpuSeconds: 1, cpuMicrosPerOperation: cpu, peakBytes: [round * 10, 1] },
        roleMicros: endpoint === "a" ? { leader: cpu - 1, follower: 1 } : { server: cpu },
      },
    }),
  };
}

const samples = [
  ...[sample("a", 1, 100, 50), sample("b", 1, 50, 100)],
  ...[sample("b", 2, 40, 100), sample("a", 2, 120, 40)],
  ...[sample("a", 3, 10, 60), sample("b", 3, 10, 60)],
];

test("rows are medians of the rounds, memory the most of them", () => {
  const [row] = rowsOf(samples);
  expect(row).toMatchObject({
    endpoint: "a",
    operationsPerSecond: { median: 100, least: 10, most: 120 },
    ...{ p50Ms: 2, cpuMicrosPerOperation: 50, peakBytes: 31 },
  });
});

test("what each role costs is told where there are several", () => {
  const [a, b] = rowsOf(samples);
  expect(a?.roleMicros).toEqual({ leader: 49, follower: 1 });
  expect(b).not.toHaveProperty("roleMicros");
});

test("ratios are taken round by round, and only then their median", () => {
  expect(ratiosOf(samples, "a")).toEqual([
    {
      ...{ workload: "put-4k", lanes: 32, endpoint: "a", beside: "b" },
      speed: { median: 2, least: 1, most: 3 },
      cpu: { median: 0.5, least: 0.4, most: 1 },
    },
  ]);
});

test("of servers whose processes are not known no cost is told", () => {
  const [ratio] = ratiosOf([sample("a", 1, 2), sample("b", 1, 1, 5)], "a");
  expect(ratio?.speed.median).toBe(2);
  expect(ratio).not.toHaveProperty("cpu");
});
