/**
 * Calls over Quarry's own framing, without and with TLS, beside undici and node:http doing the same over
 * Unix sockets. The server is a process of its own; cost is that of both sides together.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type * as undici from "undici";
import { systemClock } from "../../../base/clock.ts";
import { systemRandom } from "../../../base/random.ts";
import { RpcClient } from "../../../rpc/client.ts";
import { type Certificates, TlsIdentity } from "../../../rpc/tls.ts";
import { besides, type Case, type Micro, OURS, type Way } from "./micro.ts";
import {
  HTTP_CONNECTIONS,
  httpAgent,
  httpCalls,
  rpcCalls,
  undiciCalls,
  type Workload,
} from "./rpc-calls.ts";
import { secret, socketPath } from "./rpc-server.ts";

const workloads: readonly Workload[] = [
  { name: "rpc-call", writeBytes: 0, readBytes: 0, concurrency: 32 },
  { name: "rpc-append-4k", writeBytes: 4096, readBytes: 0, concurrency: 32 },
  { name: "rpc-read-4k", writeBytes: 0, readBytes: 4096, concurrency: 32 },
  { name: "rpc-append-4m", writeBytes: 4 << 20, readBytes: 0, concurrency: 4 },
  { name: "rpc-read-1m", writeBytes: 0, readBytes: 1 << 20, concurrency: 8 },
  { name: "rpc-read-8m", writeBytes: 0, readBytes: 8 << 20, concurrency: 3 },
];

export const rpc: Micro = {
  what: "calls beside undici and node:http",
  async open() {
    await using stack = new AsyncDisposableStack();
    const issue = await authority();
    const server = await startServer(issue?.());
    stack.defer(() => server.disconnect());
    const pid = server.pid ?? 0;
    const client = (kind: "rpc" | "tls", tls?: TlsIdentity) =>
      stack.use(
        new RpcClient({
          ...{ secret, clock: systemClock, random: systemRandom, connections: 1 },
          ...{ address: { path: socketPath(kind, pid) }, ...(tls && { tls }) },
        }),
      );
    const plain = client("rpc");
    const secured = issue && client("tls", new TlsIdentity(issue(), systemClock));
    const agent = httpAgent();
    stack.defer(() => agent.destroy());
    const http = socketPath("http", pid);
    const undici = await undiciPool(http);
    stack.defer(async () => await undici?.destroy());
    const caseOf = (workload: Workload): Case => {
      const { name, concurrency: lanes, writeBytes, readBytes } = workload;
      const ways: Way[] = [
        { name: OURS, run: rpcCalls(plain, workload) },
        ...(undici ? [{ name: "undici", run: undiciCalls(undici, workload) }] : []),
        { name: "node:http", run: httpCalls(agent, http, workload) },
        ...(secured ? [{ name: "quarry-tls", run: rpcCalls(secured, workload) }] : []),
      ];
      return { name, lanes, bytes: writeBytes + readBytes, ways };
    };
    const owned = stack.move();
    return {
      cases: workloads.map(caseOf),
      [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
    };
  },
};

async function startServer(certificates: Certificates | undefined): Promise<ChildProcess> {
  const source = join(import.meta.dirname, "rpc-server.ts");
  const server = fork(existsSync(source) ? source : join(import.meta.dirname, "rpc-server.js"));
  server.send({ certificates });
  await once(server, "message");
  return server;
}

/** Certificates are made by what tests have for it. */
async function authority(): Promise<(() => Certificates) | undefined> {
  const file = join(import.meta.dirname, "../../../test/certificates.ts");
  if (!existsSync(file)) return undefined;
  const { TestAuthority } = (await import(file)) as {
    readonly TestAuthority: new () => { issue(): Certificates };
  };
  const made = new TestAuthority();
  return () => made.issue();
}

async function undiciPool(path: string): Promise<undici.Pool | undefined> {
  const found = await besides<typeof undici>("undici");
  return (
    found &&
    new found.Pool("http://localhost", {
      ...{ socketPath: path, connections: HTTP_CONNECTIONS, pipelining: 1 },
    })
  );
}
