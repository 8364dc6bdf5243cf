/**
 * A cluster of processes (three nameservers, two dataservers, one gateway) beside `quarry serve`, in
 * turns: requests of 4 KiB a second, latency, and the CPU time that each role takes for a request.
 *
 *     node bench/cluster.ts [--seconds 5] [--rounds 3] [--json]
 */
import console from "node:console";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { ensureBucket } from "../cli/bench/bucket.ts";
import { runConditions } from "../cli/bench/conditions.ts";
import { measure } from "../cli/bench/measure.ts";
import { treeCpuMs } from "../cli/bench/process-cost.ts";
import type { Sample } from "../cli/bench/result.ts";
import { spreadOf } from "../cli/bench/statistics.ts";
import { Stored } from "../cli/bench/stored.ts";
import { workloadOf } from "../cli/bench/workload.ts";
import { Cluster } from "../test/cluster.ts";
import { freePort, rootKeys, startServer } from "../test/server-process.ts";

const LANES = 32;
const WORKLOADS = ["put-4k", "get-4k"] as const;

interface Flags {
  readonly seconds: string;
  readonly rounds: string;
  readonly json?: boolean;
}

/** Who is measured: where, and the processes of each role. */
interface Measured {
  readonly name: "serve" | "cluster";
  readonly url: string;
  roles(): Promise<Readonly<Record<string, readonly number[]>>>;
}

interface Row {
  readonly name: Measured["name"];
  readonly workload: string;
  readonly result: Sample;
  /** Microseconds of CPU for a request, warm-up and preparation included. */
  readonly micros: Readonly<Record<string, number>>;
}

async function measureRoles(of: Measured, workload: string, seconds: number): Promise<Row> {
  const roles = Object.entries(await of.roles());
  const cpuMs = () => roles.map(([, pids]) => treeCpuMs(...pids));
  const before = cpuMs();
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = rootKeys;
  const credentials = { accessKey, secretKey };
  const target = {
    url: of.url,
    bucket: "bench",
    region: "us-east-1",
    signBody: false,
    credentials,
  };
  await ensureBucket(target);
  const run = `bench-${process.pid}-${performance.now()}`;
  const server = { name: of.name, target, pids: [], run, stored: new Stored() };
  const result = await measure(server, workloadOf(workload), {
    ...{ client: "lean", lanes: LANES, seconds, warmUpSeconds: 1, round: 1, objects: undefined },
  });
  const after = cpuMs();
  const micros = roles.map(([role], at) => {
    const spentMs = (after[at] ?? 0) - (before[at] ?? 0);
    return [role, Math.round((spentMs * 1000) / result.operations)] as const;
  });
  return { name: of.name, workload, result, micros: Object.fromEntries(micros) };
}

function ofCluster(cluster: Cluster): Measured {
  return {
    name: "cluster",
    url: cluster.endpoint(1),
    async roles() {
      const leader = await cluster.group.leader();
      const followers = cluster.group.nodes.filter((node) => node !== leader);
      return {
        gateway: [cluster.pid("gateway", 1)],
        leader: [cluster.group.pid(leader)],
        followers: followers.map((node) => cluster.group.pid(node)),
        dataservers: cluster.dataservers.map((n) => cluster.pid("dataserver", n)),
      };
    },
  };
}

function line({ name, workload, result, micros }: Row): string {
  const { operationsPerSecond, p50Ms, p99Ms } = result;
  const costs = Object.entries(micros).map(([role, cost]) => `${role} ${cost}`);
  return `${workload}  ${name}  ${operationsPerSecond.toFixed(0)}/s  p50 ${p50Ms.toFixed(1)} ms  p99 ${p99Ms.toFixed(1)} ms  CPU µs: ${costs.join(", ")}`;
}

function medianRate(rows: readonly Row[], name: Measured["name"], workload: string): number {
  const some = rows.filter((row) => row.name === name && row.workload === workload);
  return spreadOf(some.map(({ result }) => result.operationsPerSecond)).median;
}

const flags = new Command("cluster")
  .option("--seconds <n>", "of each run", "5")
  .option("--rounds <n>", "of each workload", "3")
  .option("--json", "one JSON object a run")
  .parse()
  .opts<Flags>();

const data = await mkdtemp(join(tmpdir(), "quarry-bench-"));
await using cluster = await Cluster.found({ gateways: 1 });
await using server = await startServer({
  data,
  port: await freePort(),
  args: ["--log-level", "warn"],
});
const serve: Measured = {
  name: "serve",
  url: server.endpoint,
  roles: async () => ({ serve: [server.pid] }),
};
const rows: Row[] = [];
console.log(JSON.stringify(runConditions()));
for (let round = 0; round < Number(flags.rounds); round++)
  for (const workload of WORKLOADS)
    for (const measured of [serve, ofCluster(cluster)]) {
      const row = await measureRoles(measured, workload, Number(flags.seconds));
      rows.push(row);
      console.log(flags.json === true ? JSON.stringify(row) : line(row));
    }
for (const workload of WORKLOADS) {
  const [one, many] = [medianRate(rows, "serve", workload), medianRate(rows, "cluster", workload)];
  console.log(`${workload}: the cluster does ${(many / one).toFixed(2)} of what serve does`);
}
await rm(data, { recursive: true, force: true });
