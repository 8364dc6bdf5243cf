import { connect as connectTo, createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { type Clock, systemClock } from "../base/clock.ts";
import { assert } from "../base/errors.ts";
import type { BlockId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { seededRandom, systemRandom } from "../base/random.ts";
import {
  device,
  freshPath,
  memoryBlocks,
  pair,
  readFrame,
  request,
  secret,
  trustedSocket,
} from "../test/rpc-pair.ts";
import type { AppendReply, BlockService } from "./block-service.ts";
import { RpcClient } from "./client.ts";
import { connect } from "./connect.ts";
import { HANDSHAKE_BYTES } from "./handshake.ts";
import { serve } from "./serve.ts";
import { RpcServer } from "./server.ts";
import { blockTable } from "./tables.ts";

const address = { device, block: 1 as BlockId, generation: 1 };
const MiB = 1 << 20;

/** Time that passes when the test says so. */
class ManualClock implements Clock {
  #nowMs = 1000;
  readonly #timers = new Set<{ atMs: number; run: () => void }>();
  nowMs = () => this.#nowMs;
  monotonicMs = () => this.#nowMs;
  after(delayMs: number, run: () => void) {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }
  advance(ms: number): void {
    this.#nowMs += ms;
    for (const timer of this.#timers)
      if (timer.atMs <= this.#nowMs && this.#timers.delete(timer)) timer.run();
  }
}

/** Appends that stay unanswered until `answer`; `arrived` resolves when so many are there. */
function heldBlocks() {
  const waiting: (() => void)[] = [];
  const watchers: { count: number; resolve: () => void }[] = [];
  const blocks: BlockService = {
    ...memoryBlocks(),
    append: () =>
      new Promise<AppendReply>((resolve) => {
        waiting.push(() => resolve({ kind: "stored" }));
        for (const w of watchers) if (waiting.length >= w.count) w.resolve();
      }),
  };
  return {
    blocks,
    answer: () => {
      for (const go of waiting.splice(0)) go();
    },
    arrived: (count: number) =>
      new Promise<void>((resolve) => {
        if (waiting.length >= count) resolve();
        else watchers.push({ count, resolve });
      }),
  };
}

/** Turns of the event loop, until `done`; a defect makes the test time out. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
}

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

describe("calls that end early", () => {
  test("nobody listens: not executed, and a later server is found", async () => {
    const path = freshPath();
    const seams = { secret, clock: systemClock, random: seededRandom(1) };
    await using rpc = new RpcClient({ address: { path }, ...seams });
    const blocks = connect(blockTable, rpc);
    for (let i = 0; i < 3; i++)
      await expect(blocks.createBlock(address)).rejects.toMatchObject({
        code: "Unavailable",
        mayHaveExecuted: false,
      });
    await using _ = await RpcServer.listen({
      address: { path },
      services: [serve(memoryBlocks(), blockTable)],
      report: () => {},
      ...seams,
    });
    expect(await blocks.createBlock(address)).toBeUndefined();
  });

  test("the connection goes while a call runs: it may have been executed; the next one reconnects", async () => {
    const held = heldBlocks();
    await using p = await pair(held.blocks, { clock: new ManualClock() });
    const call = p.blocks.append(request(1n, Buffer.alloc(10)), Buffer.alloc(10));
    const failed = expect(call).rejects.toMatchObject({
      code: "Unavailable",
      mayHaveExecuted: true,
    });
    await held.arrived(1);
    for (const peer of p.server.peers) peer.abandon();
    await failed;
    expect(await p.blocks.createBlock(address)).toBeUndefined();
    held.answer();
    await until(() => p.server.heldBytes === 0);
  });

  test("the connection goes before a large payload was sent: not executed", async () => {
    const held = heldBlocks();
    await using p = await pair(held.blocks, { inFlightBytes: 24 * MiB });
    const large = Buffer.alloc(8 * MiB);
    const first = p.blocks.append(request(1n, large), large);
    const second = p.blocks.append(request(2n, large), large);
    const outcomes = Promise.allSettled([first, second]);
    await held.arrived(1);
    for (const peer of p.server.peers) peer.abandon();
    expect(await outcomes).toMatchObject([
      { reason: { code: "Unavailable", mayHaveExecuted: true } },
      { reason: { code: "Unavailable", mayHaveExecuted: false } },
    ]);
    held.answer();
    await until(() => p.server.heldBytes === 0);
  });

  test("a deadline passes at the client", async () => {
    const held = heldBlocks();
    const clock = new ManualClock();
    await using p = await pair(held.blocks, {}, { clock });
    const call = p.blocks.append(request(1n, Buffer.alloc(1)), Buffer.alloc(1));
    await held.arrived(1);
    clock.advance(limits.rpcDeadlineMs - 1);
    expect(await p.blocks.createBlock(address)).toBeUndefined();
    clock.advance(1);
    await expect(call).rejects.toMatchObject({ code: "Timeout", mayHaveExecuted: true });
    held.answer();
    expect(await p.blocks.createBlock(address)).toBeUndefined();
  });

  test("a deadline passes at the server, and a payload that never came holds nothing", async () => {
    const held = heldBlocks();
    const clock = new ManualClock();
    await using p = await pair(held.blocks, { clock, inFlightBytes: 24 * MiB });
    const large = Buffer.alloc(8 * MiB);
    const first = p.blocks.append(request(1n, large), large);
    const second = p.blocks.append(request(2n, large), large);
    const outcomes = Promise.allSettled([first, second]);
    await held.arrived(1);
    expect(p.server.heldBytes).toBe(large.length);
    clock.advance(limits.rpcDeadlineMs);
    expect(await outcomes).toMatchObject([
      { reason: { code: "Timeout" } },
      { reason: { code: "Timeout" } },
    ]);
    expect(p.server.heldBytes).toBe(large.length); // the handler still runs
    held.answer();
    await until(() => p.server.heldBytes === 0);
  });

  test("a signal cancels, and the server lets go", async () => {
    const held = heldBlocks();
    await using p = await pair(held.blocks, { inFlightBytes: 24 * MiB });
    const large = Buffer.alloc(8 * MiB);
    const first = p.blocks.append(request(1n, large), large);
    await held.arrived(1);
    const abort = new AbortController();
    const mine = connect(blockTable, p.rpc, { signal: abort.signal });
    const second = mine.append(request(2n, large), large);
    const small = mine.append(request(3n, Buffer.alloc(1)), Buffer.alloc(1));
    const outcomes = Promise.allSettled([second, small]);
    await held.arrived(2);
    abort.abort();
    expect(await outcomes).toMatchObject([
      { reason: { code: "Cancelled", mayHaveExecuted: false } },
      { reason: { code: "Cancelled", mayHaveExecuted: true } },
    ]);
    await expect(mine.createBlock(address)).rejects.toMatchObject({ code: "Cancelled" });
    held.answer();
    expect(await first).toEqual({ kind: "stored" });
    await until(() => p.server.heldBytes === 0);
  });

  test("closing waits for what runs and refuses what is new", async () => {
    const held = heldBlocks();
    const p = await pair(held.blocks);
    const call = p.blocks.append(request(1n, Buffer.alloc(1)), Buffer.alloc(1));
    await held.arrived(1);
    const closed = p.server.close();
    await expect(p.blocks.createBlock(address)).rejects.toMatchObject({ code: "Closed" });
    held.answer();
    expect(await call).toEqual({ kind: "stored" });
    await closed;
    p.rpc.close();
    await expect(p.blocks.createBlock(address)).rejects.toMatchObject({ code: "Closed" });
  });
});

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
