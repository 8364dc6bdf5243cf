/** `quarry bench`: how fast stores are, side by side. */
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { Command, Option } from "commander";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { exitCodes } from "../exit-code.ts";
import { ensureBucket } from "./bucket.ts";
import { runConditions } from "./conditions.ts";
import {
  type Endpoint,
  endpointsFrom,
  type OpenEndpoint,
  type StartFlags,
  withEndpointOptions,
} from "./endpoints.ts";
import { type ClientName, type MeasureOptions, measure } from "./measure.ts";
import { reportHtml } from "./report-html.ts";
import { type Report, ratiosOf, rowsOf, type Sample } from "./result.ts";
import { figure, reportText } from "./table.ts";
import { allWorkloads, forms, usualWorkloads, type Workload, workloadOf } from "./workload.ts";

const EXAMPLES = `
Examples:
  quarry bench                                        # a store of its own, the usual workloads
  quarry bench --endpoint quarry --endpoint raw-disk --workload put-4k
  quarry bench --endpoint quarry --endpoint http://127.0.0.1:9001 --name peer --access-key K \\
    --secret-key S --server-pid 1234 --workload put-4k,get-4k --repeats 5 --html report.html
  quarry bench --workload get-4k --concurrency 1,8,32,128   # a sweep

Workloads: ${forms()}; all: ${allWorkloads}`;

interface Flags extends StartFlags {
  readonly workload: string;
  readonly concurrency?: string;
  readonly seconds: string;
  readonly warmUp: string;
  readonly repeats: string;
  readonly objects?: string;
  readonly client: ClientName;
  readonly keep?: true;
  readonly json?: true;
  readonly html?: string;
}

interface Plan {
  readonly workloads: readonly Workload[];
  /** Empty: as each workload has it. */
  readonly lanes: readonly number[];
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly repeats: number;
  readonly objects: number | undefined;
  readonly client: ClientName;
}

export function benchCommand(): Command {
  const command = new Command("bench").description("measure stores, side by side");
  const endpointFlags = withEndpointOptions(command);
  return command
    .option("--workload <names>", "what is done, as in put-4k,get-4k; all", usualWorkloads)
    .option("--concurrency <counts>", "connections, as in 32 or 1,8,32 (as the workload has it)")
    .option("--seconds <n>", "of each measurement", "10")
    .option("--warm-up <seconds>", "not counted, before each measurement", "1")
    .option("--repeats <n>", "rounds; figures are their medians", "3")
    .option("--objects <n>", "objects for workloads that read or delete")
    .addOption(
      new Option("--client <name>", "what sends the requests")
        .choices(["lean", "sdk", "autocannon"] satisfies ClientName[])
        .default("lean"),
    )
    .option("--sign-body", "sign the SHA-256 of bodies too (lean, autocannon)")
    .option("--bucket <name>", "made when it is not there", "quarry-bench")
    .option("--keep", "leave in other stores what was stored there")
    .option("--dir <folder>", "where stores that are started have their data", tmpdir())
    .option("--serve <flag...>", "more flags for quarry serve, as in --serve=--single-process", [])
    .option("--json", "print all figures as JSON")
    .option("--html <file>", "write the report with plots into this file")
    .addHelpText("after", EXAMPLES)
    .action(async (flags: Flags) => {
      // Servers that were started here end with the process.
      for (const signal of ["SIGINT", "SIGTERM"])
        process.once(signal, () => process.exit(exitCodes.interrupted));
      const endpoints = endpointsFrom(endpointFlags(), flags);
      const report = await bench(endpoints, planFrom(flags), flags);
      if (flags.html !== undefined) await writeFile(flags.html, reportHtml(report));
      console.log(flags.json ? JSON.stringify(report, null, 2) : reportText(report));
    });
}

function planFrom(flags: Flags): Plan {
  const names = flags.workload === "all" ? allWorkloads : flags.workload;
  const counts = flags.concurrency?.split(",") ?? [];
  return {
    workloads: names.split(",").map(workloadOf),
    lanes: counts.map((text) => number("--concurrency", text, 1, limits.benchLanes)),
    seconds: number("--seconds", flags.seconds, 0.1, limits.benchSeconds),
    warmUpSeconds: number("--warm-up", flags.warmUp, 0.1, limits.benchSeconds),
    repeats: number("--repeats", flags.repeats, 1, limits.benchRepeats),
    objects:
      flags.objects === undefined
        ? undefined
        : number("--objects", flags.objects, 1, limits.benchObjects),
    client: flags.client,
  };
}

function number(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  const isWhole = least < 1 || Number.isInteger(value);
  if (text === "" || !isWhole || !(value >= least && value <= most))
    throw new QuarryError(
      "InvalidArgument",
      `${flag} is a number from ${least} to ${most}, not ${text || "empty"}`,
    );
  return value;
}

async function bench(
  endpoints: readonly Endpoint[],
  plan: Plan,
  { keep }: Pick<Flags, "keep">,
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
    if (keep !== true) for (const server of servers) await tidy(server);
  }
  const { client, seconds, warmUpSeconds, repeats } = plan;
  return {
    ...{ conditions, client, seconds, warmUpSeconds, repeats },
    endpoints: endpoints.map(({ name, url, durability }) => ({ name, url, durability })),
    rows: rowsOf(samples),
    ratios: ratiosOf(samples, endpoints[0]?.name ?? ""),
    samples,
  };
}

const lanesOf = ({ lanes }: Plan, { kind, sizes }: Workload): readonly number[] =>
  lanes.length > 0 ? lanes : [kind.lanes(sizes)];

/** Each round begins with another, so that none always follows the same. */
function inTurn(servers: readonly OpenEndpoint[], round: number): OpenEndpoint[] {
  const at = (round - 1) % servers.length;
  return [...servers.slice(at), ...servers.slice(0, at)];
}

async function measureOnce(
  { measured }: OpenEndpoint,
  workload: Workload,
  options: MeasureOptions & Pick<Plan, "repeats">,
): Promise<Sample> {
  const sample = await measure(measured, workload, options);
  const { lanes, operationsPerSecond, p99Ms, loadAverage } = sample;
  console.error(
    `round ${options.round}/${options.repeats}  ${workload.name} × ${lanes}  ${measured.name}  ${figure(operationsPerSecond)}/s  p99 ${figure(p99Ms)} ms  load ${figure(loadAverage)}`,
  );
  return sample;
}

async function tidy({ measured, isOwn }: OpenEndpoint): Promise<void> {
  if (isOwn) return;
  const { failures, why } = await measured.stored.remove(measured.target);
  if (failures > 0)
    console.error(`${measured.name}: ${failures} of its objects could not be deleted: ${why}`);
}
