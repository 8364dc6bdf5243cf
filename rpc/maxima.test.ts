import { describe, expect, test } from "vitest";
import { payloadPool } from "../base/buffer-pool.ts";
import { assert } from "../base/errors.ts";
import type { BlockId, NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { heldBlocks, ManualClock, until } from "../test/rpc-held.ts";
import { device, memoryBlocks, pair, readFrame, request, trustedSocket } from "../test/rpc-pair.ts";
import type { BlockService } from "./block-service.ts";

const address = { device, block: 1 as BlockId, generation: 1 };
const MiB = 1 << 20;

describe("maxima", () => {
  test("payloads together stay within the server's budget, and all get through", async () => {
    const inFlightBytes = 24 * MiB;
    let highestBytes = 0;
    const blocks: BlockService = {
      ...memoryBlocks(),
      append: async () => {
        highestBytes = Math.max(highestBytes, p.server.heldBytes);
        await new Promise((resolve) => setImmediate(resolve));
        return { kind: "stored" };
      },
    };
    await using p = await pair(blocks, { inFlightBytes }, { connections: 3 });
    const data = Buffer.alloc(3 * MiB);
    const all = Array.from({ length: 60 }, (_, i) =>
      p.blocks.append(request(BigInt(i + 1), data), data),
    );
    for (const reply of await Promise.all(all)) expect(reply).toEqual({ kind: "stored" });
    expect(highestBytes).toBeGreaterThan(2 * data.length);
    expect(highestBytes).toBeLessThanOrEqual(inFlightBytes);
    await until(() => p.server.heldBytes === 0);
  });

  test("large payloads do not block small calls", async () => {
    await using p = await pair(memoryBlocks());
    const data = Buffer.alloc(8 * MiB);
    let done = 0;
    const large = Array.from({ length: 8 }, async (_, i) => {
      await p.blocks.append(request(BigInt(i + 1), data), data);
      done++;
    });
    await p.blocks.createBlock(address);
    expect(done).toBe(0);
    await Promise.all(large);
  });

  test("reads of more than the client's room all get through", async () => {
    await using p = await pair(memoryBlocks());
    const data = Buffer.alloc(8 * MiB, 5);
    await p.blocks.append(request(1n, data), data);
    const { device: on, block, needle } = request(1n, data);
    const wanted = { device: on, block, needle, offset: 0, lengthBytes: data.length };
    const all = await Promise.all(Array.from({ length: 12 }, () => p.blocks.read(wanted)));
    expect(all.every((r) => r.kind === "data" && data.equals(r.data))).toBe(true);
  });

  test("answers are made as far as there is room for them", async () => {
    const held = { now: 0, most: 0 };
    const answer = Buffer.alloc(MiB, 3);
    const blocks: BlockService = {
      ...memoryBlocks(),
      async read({ lengthBytes }) {
        held.most = Math.max(held.most, ++held.now);
        await new Promise((resolve) => setImmediate(resolve));
        held.now--;
        const checksums = new Uint32Array(0);
        const data = answer.subarray(0, lengthBytes);
        return { kind: "data", needleBytes: MiB, generation: 1, offset: 0, checksums, data };
      },
    };
    await using p = await pair(blocks, { inFlightBytes: 24 * MiB });
    const { block, needle } = request(1n, answer);
    const sizes = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? MiB : 40_000));
    const reads = sizes.map((lengthBytes) =>
      p.blocks.read({ device, block, needle, offset: 0, lengthBytes }),
    );
    const lengths = (await Promise.all(reads)).map((r) => (r.kind === "data" ? r.data.length : 0));
    expect(lengths).toEqual(sizes);
    expect(held.most).toBeGreaterThan(5);
    expect(held.most).toBeLessThan(25); // 12 MiB hold ten large and as many small ones
    await until(() => p.server.heldBytes === 0);
  });

  test("memory that is used again never mixes answers up", async () => {
    const blocks: BlockService = {
      ...memoryBlocks(),
      async read({ needle, lengthBytes }) {
        const data = payloadPool.take(lengthBytes).fill(Number(needle));
        await new Promise((resolve) => setImmediate(resolve));
        const checksums = new Uint32Array(0);
        const needleBytes = lengthBytes;
        return { kind: "data", needleBytes, generation: 1, offset: 0, checksums, data };
      },
    };
    await using p = await pair(blocks, {}, { connections: 2 });
    const { block } = request(1n, Buffer.alloc(0));
    let wrong = 0;
    const reader = async (seed: number) => {
      for (let i = 0; i < 25; i++) {
        const fill = (seed * 25 + i) % 256;
        const lengthBytes = 70_000 + ((seed + i) % 5) * 300_000;
        const wanted = { device, block, needle: BigInt(fill) as NeedleId, offset: 0, lengthBytes };
        const reply = await p.blocks.read(wanted);
        if (reply.kind !== "data" || !Buffer.alloc(lengthBytes, fill).equals(reply.data)) wrong++;
        else payloadPool.give(reply.data);
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, seed) => reader(seed)));
    expect(wrong).toBe(0);
  });

  test("a peer that never reads is given up, and what it held is free again", async () => {
    const clock = new ManualClock();
    await using p = await pair(memoryBlocks(), { clock });
    assert("path" in p.server.address, "a Unix socket");
    const data = Buffer.alloc(60_000);
    await p.blocks.append(request(1n, data), data);
    const { block, needle } = request(1n, data);
    const peer = await trustedSocket(p.server.address.path);
    peer.on("error", () => {});
    const wanted = { device, block, needle, offset: 0, lengthBytes: data.length };
    for (let stream = 1; stream <= 400; stream++) peer.write(readFrame(stream, wanted));
    await until(() => p.server.heldBytes > 8 * MiB);
    expect(p.server.heldBytes).toBeLessThanOrEqual(limits.inFlightBytes);
    clock.advance(limits.rpcDeadlineMs);
    expect(await p.blocks.createBlock(address)).toBeUndefined();
    clock.advance(limits.rpcDeadlineMs);
    await until(() => p.server.peers.size === 1 && p.server.heldBytes === 0);
    peer.destroy();
  });

  test("too many calls at once, a payload too long: refused at the client", async () => {
    const held = heldBlocks();
    await using p = await pair(held.blocks);
    const one = Buffer.alloc(1);
    const calls = Array.from({ length: limits.rpcStreams }, (_, i) =>
      p.blocks.append(request(BigInt(i + 1), one), one),
    );
    await expect(p.blocks.createBlock(address)).rejects.toMatchObject({ code: "Busy" });
    await held.arrived(calls.length);
    held.answer();
    expect(await Promise.all(calls)).toHaveLength(limits.rpcStreams);
    const long = Buffer.alloc(limits.rpcPayloadBytes + 1);
    await expect(p.blocks.append(request(1n, long), long)).rejects.toMatchObject({
      code: "TooLarge",
    });
  });

  test("small payloads beyond the budget are told to come later", async () => {
    const held = heldBlocks();
    await using p = await pair(held.blocks, { inFlightBytes: 24 * MiB });
    const data = Buffer.alloc(64 * 1024);
    const fit = (3 * MiB) / data.length;
    const calls = Array.from({ length: fit + 1 }, (_, i) =>
      p.blocks.append(request(BigInt(i + 1), data), data),
    );
    await expect(calls[fit]).rejects.toMatchObject({ code: "Busy" });
    held.answer();
    await Promise.all(calls.slice(0, fit));
  });
});
