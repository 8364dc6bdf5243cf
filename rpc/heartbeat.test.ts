import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { assert } from "../base/errors.ts";
import type { BlockId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { systemRandom } from "../base/random.ts";
import { ManualClock, until } from "../test/rpc-held.ts";
import { device, freshPath, memoryBlocks, pair, secret, trustedSocket } from "../test/rpc-pair.ts";
import { RpcClient } from "./client.ts";
import { connect } from "./connect.ts";
import { emptyHead, FRAME_BYTES, frameKinds, writeHead } from "./frame.ts";
import { serverHandshake } from "./handshake.ts";
import { blockTable } from "./tables.ts";

const address = { device, block: 1 as BlockId, generation: 1 };

describe("a silent peer", () => {
  test.each([undefined, 40])("a server without a sign of life is given up (%s)", async (pingMs) => {
    const everyMs = pingMs ?? limits.rpcPingMs;
    const path = freshPath();
    const kinds: number[] = [];
    const mute = createServer((socket) => {
      const handshake = serverHandshake(secret, systemRandom);
      handshake.next();
      socket.on("error", () => {});
      let trusted = false;
      socket.on("data", (chunk: Buffer) => {
        if (trusted) kinds.push(chunk.readUInt8(4));
        else {
          const step = handshake.next(chunk);
          trusted = step.done === true;
          if (step.value !== undefined) socket.write(step.value);
        }
      });
    });
    await new Promise<void>((resolve) => mute.listen(path, resolve));
    const clock = new ManualClock();
    await using rpc = new RpcClient({
      ...{ address: { path }, secret, clock, random: systemRandom },
      ...(pingMs !== undefined && { pingMs }),
    });
    const call = connect(blockTable, rpc).createBlock(address);
    const failed = expect(call).rejects.toMatchObject({
      code: "Unavailable",
      message: expect.stringContaining("no sign of life"),
      mayHaveExecuted: true,
    });
    await until(() => kinds.length === 1); // the request
    for (let asked = 1; asked <= limits.rpcPings; asked++) {
      clock.advance(everyMs);
      await until(() => kinds.length === 1 + asked);
    }
    expect(kinds.slice(1).every((kind) => kind === frameKinds.ping)).toBe(true);
    clock.advance(everyMs);
    await failed;
    await new Promise((resolve) => mute.close(resolve));
  });

  test("a server that does not finish the handshake is given up as soon", async () => {
    const path = freshPath();
    const mute = createServer((socket) => void socket.on("error", () => {}));
    await new Promise<void>((resolve) => mute.listen(path, resolve));
    const clock = new ManualClock();
    const seams = { address: { path }, secret, clock, random: systemRandom };
    await using rpc = new RpcClient({ ...seams, pingMs: 40 });
    const call = connect(blockTable, rpc).createBlock(address);
    clock.advance(40 * limits.rpcPings);
    await expect(call).rejects.toMatchObject({ code: "Unavailable", mayHaveExecuted: false });
    await new Promise((resolve) => mute.close(resolve));
  });

  test("a server answers a ping", async () => {
    await using p = await pair(memoryBlocks());
    assert("path" in p.server.address, "a Unix socket");
    const peer = await trustedSocket(p.server.address.path);
    const ping = Buffer.alloc(FRAME_BYTES);
    writeHead(new DataView(ping.buffer), 0, { ...emptyHead(), kind: frameKinds.ping });
    peer.write(ping);
    const answer = await new Promise<Buffer>((resolve) => peer.once("data", resolve));
    expect([answer.length, answer.readUInt8(4)]).toEqual([FRAME_BYTES, frameKinds.pong]);
    peer.destroy();
  });
});
