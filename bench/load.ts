/**
 * Drives one HTTP endpoint with one workload and says how it went. A process of its own, so that
 * its cost is not the server's.
 */
import console from "node:console";
import { Command } from "commander";
import { HttpConnection } from "./http-connection.ts";
import type { LoadResult } from "./load-result.ts";
import { treeCpuMs } from "./process-cost.ts";
import { type Credentials, headMaker, type MakeHead } from "./request-head.ts";
import { percentile } from "./statistics.ts";
import { objectPath, type Workload, workloadOf, workloads } from "./workloads.ts";

const HEADS_PER_SECOND = 15_000;
/** Not counted: servers translate their code at first. */
const WARM_UP_MS = 1000;
const none = Buffer.alloc(0);

interface Target {
  readonly host: string;
  readonly port: number;
  readonly bucket: string;
  readonly credentials: Credentials | undefined;
  readonly signBody: boolean;
  readonly serverPid: number | undefined;
}

/** Everything that can be made before the clock runs: heads in the order in which they are sent. */
interface Prepared {
  readonly body: Buffer;
  readonly head: (n: number) => Buffer;
}

async function expectOk(connection: HttpConnection, head: Buffer, body: Buffer): Promise<number> {
  const answer = await connection.send(head, body);
  if (answer.status !== 200) throw new Error(`status ${answer.status}: ${answer.text}`);
  return answer.bodyBytes;
}

async function prepare(target: Target, workload: Workload, seconds: number): Promise<Prepared> {
  const { bucket, credentials, signBody } = target;
  const options = { host: `${target.host}:${target.port}`, credentials, signBody };
  const run = `${process.pid}-${Date.now()}`;
  const payload = Buffer.alloc(workload.objectBytes, "quarry bench ");
  const putHead = headMaker(options, payload, Date.now());
  const plainHead = headMaker(options, none, Date.now());
  using connection = await HttpConnection.open(target.host, target.port);
  const created = await connection.send(plainHead("PUT", `/${bucket}`), none);
  if (created.status !== 200 && created.status !== 409)
    throw new Error(`cannot create the bucket: status ${created.status}: ${created.text}`);
  const pathOf = (n: number) => objectPath(bucket, workload.objectBytes, run, n);
  if (workload.method === "PUT") {
    const count = Math.min(workload.requests, Math.ceil((seconds + 1) * HEADS_PER_SECOND));
    return { body: payload, head: headsFor(putHead, "PUT", pathOf, count) };
  }
  for (let n = 0; n < workload.objects; n++)
    await expectOk(connection, putHead("PUT", pathOf(n)), payload);
  const heads = headsFor(plainHead, "GET", pathOf, workload.objects);
  return { body: none, head: (n) => heads(n % workload.objects) };
}

function headsFor(
  make: MakeHead,
  method: string,
  pathOf: (n: number) => string,
  count: number,
): (n: number) => Buffer {
  const heads = Array.from({ length: count }, (_, n) => make(method, pathOf(n)));
  return (n) => heads[n] ?? make(method, pathOf(n));
}

async function drive(target: Target, workload: Workload, seconds: number): Promise<LoadResult> {
  const { body, head } = await prepare(target, workload, seconds);
  const connections = await Promise.all(
    Array.from({ length: workload.concurrency }, () =>
      HttpConnection.open(target.host, target.port),
    ),
  );
  const expectedBytes = workload.method === "GET" ? workload.objectBytes : 0;
  let latenciesMs: number[] = [];
  let next = 0;
  const cpuMs = () => (target.serverPid === undefined ? 0 : treeCpuMs(target.serverPid));
  const work = (endMs: number, requests: number) => {
    const last = next + requests;
    return async (connection: HttpConnection) => {
      for (;;) {
        const sentMs = performance.now();
        if (sentMs >= endMs || next >= last) return;
        const got = await expectOk(connection, head(next++), body);
        if (got !== expectedBytes) throw new Error(`${got} bytes instead of ${expectedBytes}`);
        latenciesMs.push(performance.now() - sentMs);
      }
    };
  };
  const warmUntilMs = performance.now() + Math.min(WARM_UP_MS, seconds * 250);
  await Promise.all(connections.map(work(warmUntilMs, workload.requests)));
  latenciesMs = [];
  const startCpuMs = cpuMs();
  const startMs = performance.now();
  await Promise.all(connections.map(work(startMs + seconds * 1000, workload.requests)));
  const elapsed = (performance.now() - startMs) / 1000;
  const spentCpuMs = cpuMs() - startCpuMs;
  for (const connection of connections) connection[Symbol.dispose]();
  const sorted = Float64Array.from(latenciesMs).sort();
  const requests = sorted.length;
  return {
    workload: workload.name,
    requests,
    seconds: elapsed,
    requestsPerSecond: requests / elapsed,
    megabytesPerSecond: (requests * workload.objectBytes) / elapsed / 1e6,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    ...(target.serverPid !== undefined && { serverCpuMicros: (spentCpuMs * 1000) / requests }),
  };
}

interface Flags {
  readonly url: string;
  readonly workload: string;
  readonly concurrency?: string;
  readonly seconds: string;
  readonly bucket: string;
  readonly region: string;
  readonly unsigned?: true;
  readonly signBody?: true;
  readonly serverPid?: string;
  readonly json?: true;
}

function targetOf(flags: Flags): Target {
  const url = new URL(flags.url);
  const accessKey = process.env["QUARRY_ROOT_ACCESS_KEY"];
  const secretKey = process.env["QUARRY_ROOT_SECRET_KEY"];
  if (flags.unsigned === undefined && (accessKey === undefined || secretKey === undefined))
    throw new Error(
      "set QUARRY_ROOT_ACCESS_KEY and QUARRY_ROOT_SECRET_KEY to the endpoint's keys, or pass --unsigned",
    );
  return {
    host: url.hostname,
    port: Number(url.port || 80),
    bucket: flags.bucket,
    credentials:
      flags.unsigned || accessKey === undefined || secretKey === undefined
        ? undefined
        : { accessKey, secretKey, region: flags.region },
    signBody: flags.signBody === true,
    serverPid: flags.serverPid === undefined ? undefined : Number(flags.serverPid),
  };
}

const flags = new Command("load")
  .description("drive an S3 endpoint with one workload")
  .requiredOption("--url <url>", "http://host:port")
  .requiredOption("--workload <name>", workloads.map((w) => w.name).join(", "))
  .option("--concurrency <n>", "connections, 1 … 1024 (default: as the workload says)")
  .option("--seconds <n>", "how long, at most 60", "5")
  .option("--bucket <name>", "bucket, created when it is not there", "bench")
  .option("--region <name>", "region to sign for", "us-east-1")
  .option("--unsigned", "send no signature (for the raw server)")
  .option("--sign-body", "sign the body's SHA-256 too (default: UNSIGNED-PAYLOAD)")
  .option("--server-pid <pid>", "also measure the CPU of this process and all below it")
  .option("--json", "print JSON")
  .parse()
  .opts<Flags>();

const chosen = workloadOf(flags.workload);
const concurrency = Math.min(1024, Math.max(1, Number(flags.concurrency ?? chosen.concurrency)));
const seconds = Math.min(60, Math.max(0.1, Number(flags.seconds)));
const result = await drive(targetOf(flags), { ...chosen, concurrency }, seconds);
if (flags.json) console.log(JSON.stringify(result));
else
  console.log(
    `${result.workload}: ${result.requestsPerSecond.toFixed(0)} requests/s, ${result.megabytesPerSecond.toFixed(1)} MB/s, ` +
      `p50 ${result.p50Ms.toFixed(2)} ms, p99 ${result.p99Ms.toFixed(2)} ms (${result.requests} requests in ${result.seconds.toFixed(1)} s)`,
  );
