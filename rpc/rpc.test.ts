import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import type { BlobId, BlockId, DeviceId, NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { systemRandom } from "../base/random.ts";
import type { AppendRequest, BlockService } from "./block-service.ts";
import { RpcClient, type RpcClientOptions } from "./client.ts";
import { connect } from "./connect.ts";
import type { NameService } from "./name-service.ts";
import { serve } from "./serve.ts";
import { RpcServer, type RpcServerOptions } from "./server.ts";
import { blockTable, nameTable } from "./tables.ts";

const secret = Buffer.alloc(32, 7);
const device = "d0000000-0000-4000-8000-000000000000" as DeviceId;

let sockets = 0;
function freshPath(): string {
  return join(tmpdir(), `quarry-rpc-test-${process.pid}-${sockets++}.sock`);
}

/** A block service that keeps needles in a map; what a test does not need throws. */
function memoryBlocks(): BlockService {
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
  };
}

async function pair(
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

function request(needle: bigint, data: Uint8Array): AppendRequest {
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

describe("a remote block service", () => {
  test.each([0, 1, 4096, limits.rpcInlineBytes, limits.rpcInlineBytes + 1, 4 << 20, 8 << 20])(
    "carries %i bytes there and back",
    async (length) => {
      await using p = await pair(memoryBlocks());
      const data = randomBytes(length);
      const sent = request(2n ** 64n - 1n, data);
      expect(await p.blocks.append(sent, data)).toEqual({ kind: "stored" });
      const { device, block, needle } = sent;
      const reply = await p.blocks.read({ device, block, needle, offset: 0, lengthBytes: length });
      expect(reply.kind).toBe("data");
      if (reply.kind !== "data") return;
      expect(data.equals(reply.data)).toBe(true);
      expect({ ...reply, data: 0 }).toEqual({
        kind: "data",
        needleBytes: length,
        generation: 3,
        offset: 0,
        checksums: new Uint32Array([1, 0xffffffff]),
        data: 0,
      });
    },
  );

  test("keeps bigint, large numbers and empty answers as they are", async () => {
    await using p = await pair(memoryBlocks(), { address: { host: "127.0.0.1", port: 0 } });
    const [first] = await p.blocks.blocks(device, 4_294_967_290, 1);
    expect(first).toEqual({
      block: 4_294_967_291,
      generation: 1,
      sealed: true,
      needles: 0,
      liveBytes: 2 ** 40,
      fileBytes: 0,
      digest: 2n ** 63n + 1n,
      damage: [],
    });
    const address = { device, block: 1 as BlockId, generation: 1 };
    expect(await p.blocks.createBlock(address)).toBeUndefined();
    expect(
      await p.blocks.remove(address, [1n as NeedleId, (2n ** 63n) as NeedleId]),
    ).toBeUndefined();
  });

  test("errors keep their code, unknown ones say nothing of the inside", async () => {
    await using p = await pair(memoryBlocks());
    const address = { device, block: 9 as BlockId, generation: 1 };
    await expect(p.blocks.sealBlock(address)).rejects.toMatchObject({
      code: "NoSuchBlock",
      message: "block 9 is not here",
    });
    await expect(p.blocks.retire(address)).rejects.toMatchObject({
      code: "Unavailable",
      message: "internal error in block.retire",
    });
    expect(p.reported).toEqual([new Error("secret stack")]);
  });
});

test("a remote name service answers beside a block service", async () => {
  const names = {
    execute: async (command: unknown) => ({ type: "upload", upload: JSON.stringify(command) }),
    leaseBlobs: async (count: number) => count * 2 ** 40,
  } as unknown as NameService;
  await using p = await pair(memoryBlocks(), {
    services: [serve(memoryBlocks(), blockTable), serve(names, nameTable)],
  });
  const remote = connect(nameTable, p.rpc);
  expect(await remote.leaseBlobs(8)).toBe(2 ** 43);
  expect(await remote.execute({ type: "deleteBucket", bucket: "b" })).toEqual({
    type: "upload",
    upload: '{"type":"deleteBucket","bucket":"b"}',
  });
});
