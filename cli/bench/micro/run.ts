/** Runs micro-benchmarks: every case in all its ways, in turns, and all again. CPU is that of this process and all below it. */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../base/clock.ts";
import { runConditions } from "../conditions.ts";
import { costFrom, figuresOf } from "../figures.ts";
import type { Pace } from "../plan.ts";
import { type Report, ratiosOf, rowsOf, type Sample } from "../result.ts";
import { inTurn, tell } from "../run.ts";
import { type Case, type Micro, OURS, type Way } from "./micro.ts";

export async function measureMicros(
  micros: readonly Micro[],
  pace: Pace,
  parent: string,
): Promise<Report> {
  const conditions = runConditions();
  const samples: Sample[] = [];
  for (const micro of micros) samples.push(...(await measureMicro(micro, pace, parent)));
  const ways = [...new Set(samples.map(({ endpoint }) => endpoint))];
  return {
    ...{ conditions, ...pace },
    load: "in one process with its callers",
    endpoints: ways.map((name) => ({
      ...{ name, url: name === OURS ? "this code" : "another way" },
      durability: "commit, where anything is kept",
    })),
    rows: rowsOf(samples),
    ratios: ratiosOf(samples, OURS),
    samples,
  };
}

async function measureMicro(micro: Micro, pace: Pace, parent: string): Promise<Sample[]> {
  const folder = await mkdtemp(join(parent, "quarry-bench-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  try {
    await using opened = await micro.open(folder);
    const samples: Sample[] = [];
    for (let round = 1; round <= pace.repeats; round++)
      for (const one of opened.cases)
        for (const way of inTurn(one.ways, round)) {
          const sample = await measureWay(one, way, pace, round);
          tell(sample, pace.repeats);
          samples.push(sample);
        }
    return samples;
  } finally {
    process.removeListener("exit", remove);
    remove();
  }
}

async function measureWay(
  { name, lanes, bytes = 0, keys = 0 }: Case,
  way: Way,
  { seconds, warmUpSeconds }: Pace,
  round: number,
): Promise<Sample> {
  const { batch = 1 } = way;
  await drive(way, lanes, warmUpSeconds * 1000);
  const cost = costFrom({ [way.name]: [process.pid] });
  const { latenciesMs, elapsedMs } = await drive(way, lanes, seconds * 1000);
  const operations = latenciesMs.length * batch;
  const server = cost(operations, operations * bytes);
  const moved = { bytes: operations * bytes, keys: operations * keys };
  const calls = figuresOf({
    ...{ latenciesMs, elapsedMs, ...moved },
    ...{ failures: 0, firstFailure: undefined },
  });
  return {
    ...{ workload: name, lanes, endpoint: way.name, round },
    ...{ ...calls, operations, operationsPerSecond: calls.operationsPerSecond * batch },
    // Of one operation, as its batch has it on average.
    p50Ms: calls.p50Ms / batch,
    p99Ms: calls.p99Ms / batch,
    p999Ms: calls.p999Ms / batch,
    ...(server !== undefined && { server }),
    loadAverage: loadavg()[0] ?? 0,
  };
}

async function drive(way: Way, lanes: number, milliseconds: number) {
  const latenciesMs: number[] = [];
  const startMs = systemClock.monotonicMs();
  const endMs = startMs + milliseconds;
  const along = async () => {
    for (let nowMs = systemClock.monotonicMs(); nowMs < endMs; ) {
      const done = way.run();
      if (done instanceof Promise) await done;
      const thenMs = systemClock.monotonicMs();
      latenciesMs.push(thenMs - nowMs);
      nowMs = thenMs;
    }
  };
  await Promise.all(Array.from({ length: lanes }, along));
  return { latenciesMs, elapsedMs: systemClock.monotonicMs() - startMs };
}
