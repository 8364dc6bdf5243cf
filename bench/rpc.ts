/**
 * What the RPC costs, without and with TLS, beside undici and node:http doing the same in the same run
 * over Unix sockets. The server is a process of its own; CPU is that of both sides together, memory too.
 * CONTRIBUTING: ratios travel, absolutes do not.
 */
import { type ChildProcess, fork } from "node:child_process";
import console from "node:console";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import { runConditions } from "../cli/bench/conditions.ts";
import { cpuMsOf } from "../cli/bench/process-cost.ts";
import { spreadOf } from "../cli/bench/statistics.ts";
import { RpcClient } from "../rpc/client.ts";
import { type Certificates, TlsIdentity } from "../rpc/tls.ts";
import { TestAuthority } from "../test/certificates.ts";
import {
  httpAgent,
  httpCalls,
  type Run,
  rpcCalls,
  undiciCalls,
  undiciPool,
  type Workload,
} from "./rpc-calls.ts";
import { secret, socketPath } from "./rpc-server.ts";

type Transport = "rpc" | "rpc + TLS" | "undici" | "node:http";

interface Sample {
  readonly workload: string;
  readonly transport: Transport;
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly gigabytesPerSecond: number;
  /** Payload for each second of CPU of both sides. */
  readonly gigabytesPerCpuSecond: number;
  /** Resident memory of both processes: at the beginning, and the most. */
  readonly memoryMB: readonly [number, number];
}

const workloads: readonly Workload[] = [
  { name: "no payload", writeBytes: 0, readBytes: 0, concurrency: 32 },
  { name: "append 4 KiB", writeBytes: 4096, readBytes: 0, concurrency: 32 },
  { name: "read 4 KiB", writeBytes: 0, readBytes: 4096, concurrency: 32 },
  { name: "append 4 MiB", writeBytes: 4 << 20, readBytes: 0, concurrency: 4 },
  { name: "read 1 MiB", writeBytes: 0, readBytes: 1 << 20, concurrency: 8 },
  { name: "read 8 MiB", writeBytes: 0, readBytes: 8 << 20, concurrency: 3 },
];

const residentMB = (pid: number) =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) /
  1000;

async function measure(run: Run, { concurrency }: Workload, seconds: number, pid: number) {
  const warm = performance.now() + 300;
  while (performance.now() < warm) await Promise.all(Array.from({ length: concurrency }, run));
  const memory = () => Math.round(residentMB(pid) + residentMB(process.pid));
  const before = memory();
  let most = before;
  const looking = setInterval(() => {
    most = Math.max(most, memory());
  }, 100);
  const startMs = performance.now();
  const startCpuMs = cpuMsOf(pid) + cpuMsOf(process.pid);
  const untilMs = startMs + seconds * 1000;
  let calls = 0;
  const loop = async () => {
    while (performance.now() < untilMs) {
      await run();
      calls++;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
  const elapsedMs = performance.now() - startMs;
  const cpuMs = cpuMsOf(pid) + cpuMsOf(process.pid) - startCpuMs;
  clearInterval(looking);
  return { calls, elapsedMs, cpuMs, memoryMB: [before, most] as const };
}

interface Flags {
  readonly seconds: string;
  readonly repeats: string;
  readonly connections: string;
  readonly workload?: string;
  readonly json?: true;
}

async function runAll(server: ChildProcess, files: Certificates, flags: Flags): Promise<Sample[]> {
  const pid = server.pid ?? 0;
  const seconds = Math.min(60, Math.max(0.1, Number(flags.seconds)));
  const shared = { secret, clock: systemClock, random: systemRandom };
  const connections = Number(flags.connections);
  const open = (kind: "rpc" | "tls", tls?: TlsIdentity) =>
    new RpcClient({
      ...{ ...shared, connections, address: { path: socketPath(kind, pid) } },
      ...(tls && { tls }),
    });
  await using plain = open("rpc");
  await using secured = open("tls", new TlsIdentity(files, systemClock));
  const agent = httpAgent();
  const http = socketPath("http", pid);
  const pool = undiciPool(http);
  const samples: Sample[] = [];
  const chosen = workloads.filter(({ name }) => name.includes(flags.workload ?? ""));
  for (let round = 0; round < Number(flags.repeats); round++)
    for (const workload of chosen) {
      const runs: [Transport, Run][] = [
        ["rpc", rpcCalls(plain, workload)],
        ["undici", undiciCalls(pool, workload)],
        ["rpc + TLS", rpcCalls(secured, workload)],
        ["node:http", httpCalls(agent, http, workload)],
      ];
      for (const [transport, run] of runs) {
        const { calls, elapsedMs, cpuMs, memoryMB } = await measure(run, workload, seconds, pid);
        const gigabytes = (calls * (workload.writeBytes + workload.readBytes)) / 1e9;
        samples.push({
          ...{ workload: workload.name, transport, memoryMB },
          perSecond: (calls * 1000) / elapsedMs,
          cpuMicros: (cpuMs * 1000) / calls,
          gigabytesPerSecond: (gigabytes * 1000) / elapsedMs,
          gigabytesPerCpuSecond: (gigabytes * 1000) / cpuMs,
        });
      }
    }
  agent.destroy();
  await pool.destroy();
  return samples;
}

/** Medians of the rounds, and the CPU of a call as a share of what undici takes. */
function rowsOf(samples: readonly Sample[]) {
  const median = (of: readonly Sample[], value: (one: Sample) => number) =>
    spreadOf(of.map(value)).median;
  const groups = [...Map.groupBy(samples, (s) => `${s.workload}/${s.transport}`).values()];
  const rows = groups.flatMap((of) => {
    const [first] = of;
    if (first === undefined) return [];
    return {
      ...{ workload: first.workload, transport: first.transport },
      perSecond: median(of, (s) => s.perSecond),
      cpuMicros: median(of, (s) => s.cpuMicros),
      gigabytesPerSecond: median(of, (s) => s.gigabytesPerSecond),
      gigabytesPerCpuSecond: median(of, (s) => s.gigabytesPerCpuSecond),
      memoryMB: [
        Math.min(...of.map((s) => s.memoryMB[0])),
        Math.max(...of.map((s) => s.memoryMB[1])),
      ] as const,
    };
  });
  return rows.map((row) => {
    const same = rows.filter(({ workload }) => workload === row.workload);
    const beside = same.find(({ transport }) => transport === "undici");
    return { ...row, share: row.cpuMicros / (beside?.cpuMicros ?? Number.NaN) };
  });
}

async function main(): Promise<void> {
  const flags = new Command("rpc")
    .option("--seconds <n>", "seconds for each measurement (0.1 … 60)", "2")
    .option("--repeats <n>", "rounds; medians are told", "1")
    .option("--connections <n>", "RPC connections", "1")
    .option("--workload <text>", "only those whose name has this in it")
    .option("--json", "print JSON")
    .parse()
    .opts<Flags>();
  const server = fork(join(import.meta.dirname, "rpc-server.ts"));
  const authority = new TestAuthority();
  server.send(authority.issue());
  await new Promise((resolve) => server.once("message", resolve));
  const rows = rowsOf(await runAll(server, authority.issue(), flags));
  server.disconnect();
  if (flags.json) {
    console.log(JSON.stringify({ conditions: runConditions(), rows }, null, 2));
    return;
  }
  const { commit, node, machine } = runConditions();
  console.log(`commit ${commit}, node ${node}, ${machine}; CPU and memory of both sides together`);
  console.table(
    rows.map((row) => ({
      workload: row.workload,
      transport: row.transport,
      "calls/s": Math.round(row.perSecond),
      "CPU µs": Number(row.cpuMicros.toFixed(1)),
      "of undici's": Number(row.share.toFixed(2)),
      "GB/s": Number(row.gigabytesPerSecond.toFixed(2)),
      "GB/CPU s": Number(row.gigabytesPerCpuSecond.toFixed(2)),
      "MB, from … most": `${row.memoryMB[0]} … ${row.memoryMB[1]}`,
    })),
  );
}

await main();
