import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { BlockId, NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { device, memoryBlocks, pair, request } from "../test/rpc-pair.ts";
import { connect } from "./connect.ts";
import type { NameService } from "./name-service.ts";
import { serve } from "./serve.ts";
import { blockTable, nameTable } from "./tables.ts";

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
