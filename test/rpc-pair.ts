/** A served block service and its client, for tests of the transport. */
import { connect as connectTo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { assert, QuarryError } from "../base/errors.ts";
import type { BlobId, BlockId, DeviceId, NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { systemRandom } from "../base/random.ts";
import type { AppendRequest, BlockService, ReadRequest } from "../rpc/block-service.ts";
import { RpcClient, type RpcClientOptions } from "../rpc/client.ts";
import { encodeHeader } from "../rpc/codec.ts";
import { connect } from "../rpc/connect.ts";
import { emptyHead, FRAME_BYTES, HAS_PAYLOAD, writeHead } from "../rpc/frame.ts";
import { clientHandshake, HANDSHAKE_BYTES } from "../rpc/handshake.ts";
import { serve } from "../rpc/serve.ts";
import { RpcServer, type RpcServerOptions } from "../rpc/server.ts";
import { blockTable } from "../rpc/tables.ts";

export const secret = Buffer.alloc(32, 7);
export const device = "d0000000-0000-4000-8000-000000000000" as DeviceId;

let sockets = 0;
export function freshPath(): string {
  return join(tmpdir(), `quarry-rpc-test-${process.pid}-${sockets++}.sock`);
}

/** A block service that keeps needles in a map; what a test does not need throws. */
export function memoryBlocks(): BlockService {
  const needles = new Map<NeedleId, { request: AppendRequest; data: Buffer }>();
  const no = () => Promise.reject(new Error("secret stack"));
  return {
    devices: no,
    blocks: async (id, after, limit) =>
      Array.from({ length: limit }, (_, i) => ({
        block: (after + 1 + i) as BlockId,
        generation: 1,
        sealed: id === device,
        needles: 0,
        liveBytes: 2 ** 40,
        fileBytes: 0,
        digest: 2n ** 63n + 1n,
        damage: [],
      })),
    createBlock: async () => {},
    async append(request, data) {
      needles.set(request.needle, { request, data: Buffer.from(data) });
      return { kind: "stored" };
    },
    async read(request) {
      const found = needles.get(request.needle);
      if (found === undefined) return { kind: "missing", what: "needle" };
      return {
        kind: "data",
        needleBytes: found.data.length,
        generation: found.request.generation,
        offset: request.offset,
        checksums: found.request.checksums,
        data: found.data.subarray(request.offset, request.offset + request.lengthBytes),
      };
    },
    async remove(_, ids) {
      for (const id of ids) needles.delete(id);
    },
    sealBlock: () => Promise.reject(new QuarryError("NoSuchBlock", "block 9 is not here")),
    needles: no,
    compact: no,
    switchGeneration: no,
    retire: no,
    report: no,
    inventory: no,
    fetch: no,
    records: no,
    rebuild: no,
    rebuilds: no,
    readStripe: no,
    stage: no,
    finishStage: no,
    dropStage: no,
    convert: no,
    staged: no,
  };
}

export async function pair(
  blocks: BlockService,
  server: Partial<RpcServerOptions> = {},
  client: Partial<RpcClientOptions> = {},
) {
  const reported: unknown[] = [];
  const seams = { secret, clock: systemClock, random: systemRandom };
  const listening = await RpcServer.listen({
    address: { path: freshPath() },
    services: [serve(blocks, blockTable)],
    report: (error) => reported.push(error),
    ...seams,
    ...server,
  });
  const rpc = new RpcClient({ address: listening.address, ...seams, ...client });
  return {
    blocks: connect(blockTable, rpc),
    rpc,
    server: listening,
    reported,
    async [Symbol.asyncDispose]() {
      rpc.close();
      await listening.close();
    },
  };
}

export function request(needle: bigint, data: Uint8Array): AppendRequest {
  return {
    device,
    block: 4_000_000_000 as BlockId,
    generation: 3,
    needle: needle as NeedleId,
    owner: { blob: (2 ** 50) as BlobId, chunk: 2 },
    lengthBytes: data.length,
    checksums: new Uint32Array([1, 0xffffffff]),
  };
}

/** A peer that knows the secret and may then say anything. */
export async function trustedSocket(path: string): Promise<Socket> {
  const socket = connectTo(path);
  const handshake = clientHandshake(secret, systemRandom);
  let step = handshake.next();
  while (step.done !== true) {
    if (step.value !== undefined) socket.write(step.value);
    await new Promise((resolve) => socket.once("readable", resolve));
    const message: Buffer | null = socket.read(HANDSHAKE_BYTES);
    assert(message !== null, "a whole message came");
    step = handshake.next(message);
  }
  return socket;
}

/** A read as a client sends it. */
export function readFrame(stream: number, request: ReadRequest): Buffer {
  const header = encodeHeader([request]);
  const head = { ...emptyHead(), stream, method: (1 << 8) | 5, deadlineMs: 60_000 };
  head.headerBytes = head.lengthBytes = header.length;
  const first = Buffer.alloc(FRAME_BYTES);
  writeHead(new DataView(first.buffer), 0, head);
  return Buffer.concat([first, header]);
}

/** An append as a client sends it: inline, or announced and followed by pieces that no one allowed. */
export function appendFrames(stream: number, data: Buffer): Buffer {
  const bytes = data.length;
  const header = encodeHeader([request(BigInt(stream), data)]);
  const inline = bytes <= limits.rpcInlineBytes;
  const head = { ...emptyHead(), stream, method: (1 << 8) | 4, flags: HAS_PAYLOAD };
  head.headerBytes = header.length;
  head.payloadBytes = bytes;
  head.deadlineMs = 60_000;
  head.lengthBytes = header.length + (inline ? bytes : 0);
  const first = Buffer.alloc(FRAME_BYTES);
  writeHead(new DataView(first.buffer), 0, head);
  if (inline) return Buffer.concat([first, header, data]);
  const piece = Buffer.alloc(FRAME_BYTES);
  writeHead(new DataView(piece.buffer), 0, { ...emptyHead(), kind: 4, stream, lengthBytes: bytes });
  return Buffer.concat([first, header, piece, data]);
}
