/** The server of the RPC's benchmark, a process of its own: the same answers over RPC, RPC with TLS, and HTTP. */
import console from "node:console";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../base/clock.ts";
import { systemRandom } from "../../../base/random.ts";
import type { BlockService } from "../../../rpc/block-service.ts";
import { serve } from "../../../rpc/serve.ts";
import { RpcServer } from "../../../rpc/server.ts";
import { blockTable } from "../../../rpc/tables.ts";
import { type Certificates, TlsIdentity } from "../../../rpc/tls.ts";

export const secret = Buffer.alloc(32, 1);
export const socketPath = (kind: "rpc" | "tls" | "http", pid: number) =>
  join(tmpdir(), `quarry-bench-${kind}-${pid}.sock`);

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

async function listen(kind: "rpc" | "tls", tls?: TlsIdentity): Promise<RpcServer> {
  return await RpcServer.listen({
    ...{ secret, clock: systemClock, random: systemRandom },
    address: { path: socketPath(kind, process.pid) },
    ...(tls && { tls }),
    services: [serve(blocks, blockTable)],
    report: (error) => console.error(error),
  });
}

/** What it is told at the start. */
export interface Told {
  readonly certificates?: Certificates;
}

async function serveAll({ certificates }: Told): Promise<void> {
  const servers = [await listen("rpc")];
  if (certificates !== undefined)
    servers.push(await listen("tls", new TlsIdentity(certificates, systemClock)));
  const http = createServer((incoming, outgoing) => {
    incoming.on("data", () => {});
    incoming.on("end", () => {
      const bytes = Number(incoming.headers["x-read"] ?? 0);
      outgoing.writeHead(200, { "content-length": bytes });
      outgoing.end(answer.subarray(0, bytes));
    });
  });
  http.listen(socketPath("http", process.pid), () => process.send?.("ready"));
  // Signals are for the whole group; it ends with who started it. Closing removes the socket files.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => undefined);
  process.on("disconnect", async () => {
    http.closeAllConnections();
    http.close();
    for (const server of servers) await server.close();
  });
}

if (import.meta.main) process.once("message", (told: Told) => void serveAll(told));
