/** Measures endpoints side by side: each workload, each number of connections, in turns, and all again. */
import { ensureBucket } from "./bucket.ts";
import { runConditions } from "./conditions.ts";
import type { Endpoint, OpenEndpoint } from "./endpoints.ts";
import { type MeasureOptions, measure } from "./measure.ts";
import type { Pace, Plan } from "./plan.ts";
import { type Report, ratiosOf, rowsOf, type Sample } from "./result.ts";
import { figure } from "./table.ts";
import type { Workload } from "./workload.ts";

/** `isKept`: what was stored in other stores stays there. */
export async function measureEndpoints(
  endpoints: readonly Endpoint[],
  plan: Plan,
  isKept: boolean,
): Promise<Report> {
  const conditions = runConditions();
  const samples: Sample[] = [];
  await using opened = new AsyncDisposableStack();
  const servers: OpenEndpoint[] = [];
  for (const endpoint of endpoints) servers.push(opened.use(await endpoint.open()));
  for (const { measured } of servers) await ensureBucket(measured.target);
  try {
    for (let round = 1; round <= plan.repeats; round++)
      for (const workload of plan.workloads)
        for (const lanes of lanesOf(plan, workload))
          for (const server of inTurn(servers, round))
            samples.push(await measureOnce(server, workload, { ...plan, lanes, round }));
  } finally {
    if (!isKept) for (const server of servers) await tidy(server);
  }
  const { client, seconds, warmUpSeconds, repeats } = plan;
  return {
    ...{ conditions, seconds, warmUpSeconds, repeats },
    load: `${client} client on the same machine`,
    endpoints: endpoints.map(({ name, url, durability }) => ({ name, url, durability })),
    rows: rowsOf(samples),
    ratios: ratiosOf(samples, endpoints[0]?.name ?? ""),
    samples,
  };
}

const lanesOf = ({ lanes }: Plan, { kind, sizes }: Workload): readonly number[] =>
  lanes.length > 0 ? lanes : [kind.lanes(sizes)];

/** Each round begins with another, so that none always follows the same. */
export function inTurn<T>(all: readonly T[], round: number): T[] {
  const at = (round - 1) % all.length;
  return [...all.slice(at), ...all.slice(0, at)];
}

async function measureOnce(
  { measured }: OpenEndpoint,
  workload: Workload,
  options: MeasureOptions & Pace,
): Promise<Sample> {
  const sample = await measure(measured, workload, options);
  tell(sample, options.repeats);
  return sample;
}

/** While it runs, so that one sees what comes. */
export function tell(sample: Sample, repeats: number): void {
  const { round, workload, lanes, endpoint, operationsPerSecond, p99Ms, loadAverage } = sample;
  console.error(
    `round ${round}/${repeats}  ${workload} × ${lanes}  ${endpoint}  ${figure(operationsPerSecond)}/s  p99 ${figure(p99Ms)} ms  load ${figure(loadAverage)}`,
  );
}

async function tidy({ measured, isOwn }: OpenEndpoint): Promise<void> {
  if (isOwn) return;
  const { failures, why } = await measured.stored.remove(measured.target);
  if (failures > 0)
    console.error(`${measured.name}: ${failures} of its objects could not be deleted: ${why}`);
}
