/**
 * Quarry beside a raw node:http server that moves the same bytes, alternately in one run: requests
 * and bytes a second, latency, CPU of the server's processes for each request, peak memory.
 * `npm run bench -- --help`
 */

import { execFile } from "node:child_process";
import console from "node:console";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Command } from "commander";
import { type Conditions, runConditions } from "./conditions.ts";
import type { LoadResult } from "./load-result.ts";
import { treePeakBytes } from "./process-cost.ts";
import { type MeasuredServer, startDurableRaw, startQuarry, startRaw } from "./servers.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import { type Workload, workloadOf, workloads } from "./workloads.ts";

const run = promisify(execFile);

interface Flags {
  readonly workload: readonly string[];
  readonly seconds: string;
  readonly repeats: string;
  readonly concurrency?: string;
  readonly durability: string;
  readonly endpoint?: string;
  readonly region: string;
  readonly dir: string;
  readonly serve: readonly string[];
  readonly signBody?: true;
  readonly json?: true;
}

interface Row {
  readonly workload: string;
  readonly server: string;
  readonly requestsPerSecond: Spread;
  readonly megabytesPerSecond: Spread;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of all the server's processes; absent for an endpoint that someone else runs. */
  readonly cpuMicrosPerRequest?: number;
  /** Highest of all rounds, for each of the server's processes, largest first. */
  readonly peakBytes: readonly number[];
}

interface Sample {
  readonly workload: Workload;
  readonly server: string;
  readonly result: LoadResult;
  readonly peakBytes: readonly number[];
}

const credentials = {
  accessKey: process.env["QUARRY_ROOT_ACCESS_KEY"] ?? "bench-access-key",
  secretKey: process.env["QUARRY_ROOT_SECRET_KEY"] ?? "bench-secret-key-of-this-run",
};

function bounded(text: string, least: number, most: number): number {
  const value = Number(text);
  if (!(value >= least && value <= most)) throw new Error(`${text} is not ${least} … ${most}`);
  return value;
}

async function load(server: MeasuredServer, workload: Workload, flags: Flags): Promise<LoadResult> {
  const args = ["--url", server.url, "--workload", workload.name, "--json"];
  args.push("--seconds", flags.seconds, "--region", flags.region);
  if (flags.concurrency !== undefined) args.push("--concurrency", flags.concurrency);
  if (flags.signBody) args.push("--sign-body");
  if (server.pid !== undefined) args.push("--server-pid", String(server.pid));
  if (server.credentials === undefined) args.push("--unsigned");
  const file = join(import.meta.dirname, "load.ts");
  const env = {
    ...process.env,
    QUARRY_ROOT_ACCESS_KEY: credentials.accessKey,
    QUARRY_ROOT_SECRET_KEY: credentials.secretKey,
  };
  const { stdout } = await run(process.execPath, [file, ...args], { env });
  return JSON.parse(stdout) as LoadResult;
}

/** The servers of one measurement, fresh: what an earlier one stored or cached does not count. */
function starters(workload: Workload, flags: Flags): (() => Promise<MeasuredServer>)[] {
  const signed = { ...credentials, region: flags.region };
  const { endpoint } = flags;
  const measured = async (): Promise<MeasuredServer> =>
    endpoint === undefined
      ? await startQuarry(flags.dir, flags.durability, signed, flags.serve)
      : {
          name: endpoint,
          url: endpoint,
          credentials: signed,
          [Symbol.asyncDispose]: async () => {}, // not ours to end
        };
  const md5 = () => startRaw("raw+md5", "--md5");
  const durable = () => startDurableRaw(flags.dir);
  const ofPut = workload.method === "PUT" ? [md5, durable] : [];
  return [() => startRaw("raw"), ...ofPut, measured];
}

async function sampleAll(chosen: readonly Workload[], flags: Flags): Promise<Sample[]> {
  const samples: Sample[] = [];
  const repeats = bounded(flags.repeats, 1, 20);
  for (let round = 1; round <= repeats; round++)
    for (const workload of chosen)
      for (const start of starters(workload, flags)) {
        await using server = await start();
        const result = await load(server, workload, flags);
        const peaks = server.pid === undefined ? [] : treePeakBytes(server.pid);
        const peakBytes = peaks.map((p) => p.peakBytes).sort((a, b) => b - a);
        samples.push({ workload, server: server.name, result, peakBytes });
        if (!flags.json)
          console.error(
            `round ${round}/${repeats}  ${workload.name}  ${server.name}  ${result.requestsPerSecond.toFixed(0)}/s`,
          );
      }
  return samples;
}

function rowsOf(samples: readonly Sample[]): Row[] {
  const groups = Map.groupBy(samples, (s) => `${s.workload.name} ${s.server}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const results = group.map((s) => s.result);
    const cpu = results.flatMap((r) => r.serverCpuMicros ?? []);
    return {
      workload: first.workload.name,
      server: first.server,
      requestsPerSecond: spreadOf(results.map((r) => r.requestsPerSecond)),
      megabytesPerSecond: spreadOf(results.map((r) => r.megabytesPerSecond)),
      p50Ms: spreadOf(results.map((r) => r.p50Ms)).median,
      p99Ms: spreadOf(results.map((r) => r.p99Ms)).median,
      ...(cpu.length > 0 && { cpuMicrosPerRequest: spreadOf(cpu).median }),
      peakBytes: first.peakBytes.map((_, i) => Math.max(...group.map((s) => s.peakBytes[i] ?? 0))),
    };
  });
}

function print(conditions: Conditions, flags: Flags, rows: readonly Row[]): void {
  console.log(
    `commit ${conditions.commit}, node ${conditions.node}, ${conditions.machine}\n` +
      `durability ${flags.durability}, ${flags.repeats} rounds of ${flags.seconds} s, load on the same machine; medians (least … most)`,
  );
  const spread = (s: Spread) =>
    `${s.median.toFixed(0)} (${s.least.toFixed(0)} … ${s.most.toFixed(0)})`;
  console.table(
    rows.map((row) => ({
      workload: row.workload,
      server: row.server,
      "requests/s": spread(row.requestsPerSecond),
      "MB/s": spread(row.megabytesPerSecond),
      "p50 ms": Number(row.p50Ms.toFixed(2)),
      "p99 ms": Number(row.p99Ms.toFixed(2)),
      "CPU µs/request": Math.round(row.cpuMicrosPerRequest ?? Number.NaN),
      "peak MB/process": row.peakBytes.map((b) => Math.round(b / 1e6)).join(" + "),
    })),
  );
}

const names = workloads.map((w) => w.name);
const flags = new Command("bench")
  .description("measure a store beside a raw node:http server")
  .option("--workload <name...>", names.join(", "), names)
  .option("--seconds <n>", "for each measurement, 1 … 60", "5")
  .option("--repeats <n>", "rounds, 1 … 20", "3")
  .option("--concurrency <n>", "connections (default: as the workload says)")
  .option("--durability <mode>", "of the store that is started: commit, interval, none", "commit")
  .option("--endpoint <url>", "measure this endpoint instead (keys from the environment)")
  .option("--region <name>", "region to sign for", "us-east-1")
  .option("--dir <folder>", "where the store's temporary folder goes", tmpdir())
  .option("--serve <flag...>", "more flags for quarry serve, e.g. --serve=--single-process", [])
  .option("--sign-body", "sign the body's SHA-256 too")
  .option("--json", "print JSON")
  .parse()
  .opts<Flags>();

bounded(flags.seconds, 0.5, 60);
const conditions = runConditions();
const rows = rowsOf(await sampleAll(flags.workload.map(workloadOf), flags));
if (flags.json)
  console.log(JSON.stringify({ conditions, durability: flags.durability, rows }, null, 2));
else print(conditions, flags, rows);
