/** The same call over each transport: about 100 bytes of arguments, and a payload in or out. */
import { Agent, request } from "node:http";
import type { Pool } from "undici";
import { payloadPool } from "../../../base/buffer-pool.ts";
import type { BlobId, BlockId, DeviceId, NeedleId } from "../../../base/ids.ts";
import type { AppendRequest } from "../../../rpc/block-service.ts";
import type { RpcClient } from "../../../rpc/client.ts";
import { connect } from "../../../rpc/connect.ts";
import { blockTable } from "../../../rpc/tables.ts";

export interface Workload {
  readonly name: string;
  readonly writeBytes: number;
  readonly readBytes: number;
  readonly concurrency: number;
}

export type Run = () => Promise<unknown>;

const device = "d0000000-0000-4000-8000-000000000000" as DeviceId;
const ARGUMENTS = "x".repeat(100);
export const HTTP_CONNECTIONS = 32;

export function rpcCalls(client: RpcClient, { writeBytes, readBytes }: Workload): Run {
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
    ...{ device, block, generation: 1, needle, lengthBytes },
    owner: { blob: 9 as BlobId, chunk: 0 },
    checksums: new Uint32Array(Math.ceil(writeBytes / 65536)),
  };
  return () => remote.append(wanted, data);
}

const headersOf = ({ writeBytes, readBytes }: Workload) => ({
  "content-length": String(writeBytes),
  "x-read": String(readBytes),
  "x-arguments": ARGUMENTS,
});

export const httpAgent = () => new Agent({ keepAlive: true, maxSockets: HTTP_CONNECTIONS });

export function httpCalls(agent: Agent, socketPath: string, workload: Workload): Run {
  const data = Buffer.alloc(workload.writeBytes, 0x62);
  const headers = headersOf(workload);
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

export function undiciCalls(pool: Pool, workload: Workload): Run {
  const body = Buffer.alloc(workload.writeBytes, 0x62);
  const headers = headersOf(workload);
  return async () => {
    const reply = await pool.request({ path: "/x", method: "PUT", headers, body });
    await new Promise((resolve, reject) => {
      reply.body.on("data", () => {});
      reply.body.on("end", resolve);
      reply.body.on("error", reject);
    });
  };
}
