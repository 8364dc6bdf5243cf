/** What a measurement says: speed, times, and what it cost in processes. */
import { QuarryError } from "../../base/errors.ts";
import type { Driven } from "./drive.ts";
import { type Roles, resetPeaks, treeCpuMs, treePeakBytes } from "./process-cost.ts";
import type { ServerCost } from "./result.ts";
import { percentile } from "./statistics.ts";

export function figuresOf({
  latenciesMs,
  bytes,
  keys,
  elapsedMs,
  failures,
  firstFailure,
}: Omit<Driven, "next">) {
  const operations = latenciesMs.length;
  if (operations === 0)
    throw new QuarryError("Unavailable", `no operation succeeded: ${firstFailure ?? "no time"}`);
  const sorted = Float64Array.from(latenciesMs).sort();
  const seconds = elapsedMs / 1000;
  return {
    ...{ operations, failures, seconds },
    ...(firstFailure !== undefined && { firstFailure }),
    operationsPerSecond: operations / seconds,
    megabytesPerSecond: bytes / seconds / 1e6,
    keysPerSecond: keys / seconds,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    p999Ms: percentile(sorted, 0.999),
  };
}

/** Counts from now on; tells the cost of so many operations, or nothing where no process is known. */
export function costFrom(
  roles: Roles,
): (operations: number, bytes: number) => ServerCost | undefined {
  const pids = Object.values(roles).flat();
  resetPeaks(...pids);
  const before = cpuMsOf(roles);
  return (operations, bytes) => {
    if (pids.length === 0) return undefined;
    const spent = cpuMsOf(roles).map(
      ([role, ms], i) => [role, ms - (before[i]?.[1] ?? 0)] as const,
    );
    const cpuMs = spent.reduce((sum, [, ms]) => sum + ms, 0);
    const each = (ms: number) => (ms * 1000) / operations;
    return {
      cpuSeconds: cpuMs / 1000,
      cpuMicrosPerOperation: each(cpuMs),
      roleMicros: Object.fromEntries(spent.map(([role, ms]) => [role, each(ms)])),
      ...(bytes > 0 && { cpuSecondsPerGiB: cpuMs / 1000 / (bytes / 2 ** 30) }),
      peakBytes: treePeakBytes(...pids),
    };
  };
}

const cpuMsOf = (roles: Roles) =>
  Object.entries(roles).map(([role, pids]) => [role, treeCpuMs(...pids)] as const);
