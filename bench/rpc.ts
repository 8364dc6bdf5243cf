/**
 * What the RPC costs, beside node:http doing the same in the same run. The server is a process of
 * its own; CPU is that of both sides together. CONTRIBUTING: ratios travel, absolutes do not.
 */
import { type ChildProcess, fork } from "node:child_process";
import console from "node:console";
import { Agent, createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { payloadPool } from "../base/buffer-pool.ts";
import { systemClock } from "../base/clock.ts";
import type { BlobId, BlockId, DeviceId, NeedleId } from "../base/ids.ts";
import { systemRandom } from "../base/random.ts";
import type { AppendRequest, BlockService } from "../rpc/block-service.ts";
import { RpcClient } from "../rpc/client.ts";
import { connect } from "../rpc/connect.ts";
import { serve } from "../rpc/serve.ts";
import { RpcServer } from "../rpc/server.ts";
import { blockTable } from "../rpc/tables.ts";
import { runConditions } from "./conditions.ts";
import { cpuMsOf } from "./process-cost.ts";

const secret = Buffer.alloc(32, 1);
const path = (kind: string, pid: number) => join(tmpdir(), `quarry-bench-${kind}-${pid}.sock`);
const device = "d0000000-0000-4000-8000-000000000000" as DeviceId;
const answer = Buffer.alloc(8 << 20, 0x61);

const blocks = {
  append: async () => ({ kind: "stored" }),
  read: async (wanted: { lengthBytes: number }) => ({
    kind: "data",
    needleBytes: wanted.lengthBytes,
    generation: 1,
    offset: 0,
    checksums: new Uint32Array(Math.ceil(wanted.lengthBytes / 65536)),
    data: answer.subarray(0, wanted.lengthBytes),
  }),
} as unknown as BlockService;

async function serveBoth(): Promise<void> {
  const rpc = await RpcServer.listen({
    address: { path: path("rpc", process.pid) },
    secret,
    clock: systemClock,
    random: systemRandom,
    services: [serve(blocks, blockTable)],
    report: (error) => console.error(error),
  });
  const http = createServer((incoming, outgoing) => {
    incoming.on("data", () => {});
    incoming.on("end", () => {
      const bytes = Number(incoming.headers["x-read"] ?? 0);
      outgoing.writeHead(200, { "content-length": bytes });
      outgoing.end(answer.subarray(0, bytes));
    });
  });
  http.listen(path("http", process.pid), () => process.send?.("ready"));
  // closing removes the socket files
  process.on("disconnect", async () => {
    http.closeAllConnections();
    http.close();
    await rpc.close();
  });
}

type Run = () => Promise<unknown>;

interface Row {
  readonly workload: string;
  readonly transport: string;
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly megabytesPerSecond: number;
}

function rpcCalls(client: RpcClient, writeBytes: number, readBytes: number): Run {
  const remote = connect(blockTable, client);
  const data = Buffer.alloc(writeBytes, 0x62);
  const block = 7 as BlockId;
  const needle = (2n ** 63n) as NeedleId;
  const lengthBytes = Math.max(writeBytes, readBytes);
  if (readBytes > 0)
    return async () => {
      const reply = await remote.read({ device, block, needle, offset: 0, lengthBytes });
      if (reply.kind === "data") payloadPool.give(reply.data);
    };
  const wanted: AppendRequest = {
    device,
    block,
    generation: 1,
    needle,
    owner: { blob: 9 as BlobId, chunk: 0 },
    lengthBytes,
    checksums: new Uint32Array(Math.ceil(writeBytes / 65536)),
  };
  return () => remote.append(wanted, data);
}

function httpCalls(agent: Agent, socketPath: string, writeBytes: number, readBytes: number): Run {
  const data = Buffer.alloc(writeBytes, 0x62);
  const headers = { "content-length": writeBytes, "x-read": readBytes };
  return () =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        { socketPath, agent, method: "PUT", path: "/x", headers },
        (reply) => {
          reply.on("data", () => {});
          reply.on("end", resolve);
        },
      );
      outgoing.on("error", reject);
      outgoing.end(data);
    });
}

async function measure(run: Run, concurrency: number, seconds: number, pid: number) {
  for (let i = 0; i < concurrency; i++) await run();
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
  return { perSecond: (calls * 1000) / elapsedMs, cpuMicros: (cpuMs * 1000) / calls };
}

const workloads = [
  { name: "empty", writeBytes: 0, readBytes: 0, concurrency: 32 },
  { name: "append 4 KiB", writeBytes: 4096, readBytes: 0, concurrency: 32 },
  { name: "read 4 KiB", writeBytes: 0, readBytes: 4096, concurrency: 32 },
  { name: "append 4 MiB", writeBytes: 4 << 20, readBytes: 0, concurrency: 4 },
  { name: "read 1 MiB", writeBytes: 0, readBytes: 1 << 20, concurrency: 8 },
];

async function runAll(server: ChildProcess, seconds: number, connections: number): Promise<Row[]> {
  const pid = server.pid ?? 0;
  const rpc = new RpcClient({
    address: { path: path("rpc", pid) },
    secret,
    clock: systemClock,
    random: systemRandom,
    connections,
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const rows: Row[] = [];
  for (const { name, writeBytes, readBytes, concurrency } of workloads) {
    const runs: [string, Run][] = [
      ["rpc", rpcCalls(rpc, writeBytes, readBytes)],
      ["http", httpCalls(agent, path("http", pid), writeBytes, readBytes)],
    ];
    for (const [transport, run] of runs) {
      const cost = await measure(run, concurrency, seconds, pid);
      const megabytesPerSecond = (cost.perSecond * (writeBytes + readBytes)) / 1e6;
      rows.push({ workload: name, transport, ...cost, megabytesPerSecond });
    }
  }
  rpc.close();
  agent.destroy();
  return rows;
}

async function main(): Promise<void> {
  const options = new Command("rpc")
    .option("--seconds <n>", "seconds for each measurement (1 … 60)", "2")
    .option("--connections <n>", "RPC connections", "1")
    .option("--json", "print JSON")
    .parse()
    .opts<{ seconds: string; connections: string; json?: true }>();
  const server = fork(import.meta.filename, ["serve"]);
  await new Promise((resolve) => server.once("message", resolve));
  const seconds = Math.min(60, Math.max(0.1, Number(options.seconds)));
  const rows = await runAll(server, seconds, Number(options.connections));
  server.disconnect();
  if (options.json) console.log(JSON.stringify({ conditions: runConditions(), rows }, null, 2));
  else
    console.table(
      rows.map((row) => ({
        workload: row.workload,
        transport: row.transport,
        "calls/s": Math.round(row.perSecond),
        "CPU µs": Number(row.cpuMicros.toFixed(1)),
        "MB/s": Math.round(row.megabytesPerSecond),
      })),
    );
}

await (process.argv[2] === "serve" ? serveBoth() : main());
