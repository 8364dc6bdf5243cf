import { connect as connectTo, createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { assert } from "../base/errors.ts";
import type { BlockId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { systemRandom } from "../base/random.ts";
import { ManualClock } from "../test/rpc-held.ts";
import { device, freshPath, memoryBlocks, pair, secret } from "../test/rpc-pair.ts";
import { RpcClient } from "./client.ts";
import { connect } from "./connect.ts";
import { HANDSHAKE_BYTES } from "./handshake.ts";
import { blockTable } from "./tables.ts";

const address = { device, block: 1 as BlockId, generation: 1 };

describe("trust", () => {
  test("another secret is refused with words that say so, and nothing is executed", async () => {
    await using p = await pair(memoryBlocks(), {}, { secret: Buffer.alloc(32, 8) });
    await expect(p.blocks.createBlock(address)).rejects.toMatchObject({
      code: "Protocol",
      message: expect.stringContaining("cluster secret"),
      mayHaveExecuted: false,
    });
  });

  test("a server without the secret is found out before it is told anything", async () => {
    const path = freshPath();
    const heard: Buffer[] = [];
    const liar = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (chunk: Buffer) => {
        heard.push(chunk);
        socket.write(Buffer.concat([chunk.subarray(0, 8), Buffer.alloc(64, 1)]));
      });
    });
    await new Promise<void>((resolve) => liar.listen(path, resolve));
    await using rpc = new RpcClient({
      address: { path },
      secret,
      clock: systemClock,
      random: systemRandom,
    });
    const blocks = connect(blockTable, rpc);
    await expect(blocks.createBlock(address)).rejects.toMatchObject({ code: "Protocol" });
    expect(Buffer.concat(heard).length).toBe(HANDSHAKE_BYTES);
    await new Promise((resolve) => liar.close(resolve));
  });

  test("another version of the protocol is named", async () => {
    await using p = await pair(memoryBlocks());
    assert("path" in p.server.address, "a Unix socket");
    const socket = connectTo(p.server.address.path);
    const hello = Buffer.alloc(HANDSHAKE_BYTES);
    hello.write("QRPC");
    hello.writeUInt16LE(999, 4);
    socket.write(hello);
    const answer = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
    expect([answer.readUInt16LE(4), answer.readUInt16LE(6)]).toEqual([1, 1]);
    await new Promise((resolve) => socket.once("close", resolve));
  });

  test("who speaks something else is hung up on", async () => {
    await using p = await pair(memoryBlocks());
    assert("path" in p.server.address, "a Unix socket");
    const socket = connectTo(p.server.address.path);
    socket.write(`GET / HTTP/1.1\r\nhost: ${"x".repeat(100)}\r\n\r\n`);
    socket.resume();
    await new Promise((resolve) => socket.once("close", resolve));
    expect(await p.blocks.createBlock(address)).toBeUndefined();
  });

  test("who says nothing is hung up on after a while", async () => {
    const clock = new ManualClock();
    await using p = await pair(memoryBlocks(), { clock });
    assert("path" in p.server.address, "a Unix socket");
    const socket = connectTo(p.server.address.path);
    socket.resume();
    expect(await p.blocks.createBlock(address)).toBeUndefined(); // accepted behind the silent one
    clock.advance(limits.rpcHandshakeMs);
    await new Promise((resolve) => socket.once("close", resolve));
    clock.advance(limits.rpcDrainMs);
  });
});
