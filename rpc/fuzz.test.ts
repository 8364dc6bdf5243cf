import { once } from "node:events";
import { connect as connectTo, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { assert, hasCode, QuarryError } from "../base/errors.ts";
import type { BlockId, NeedleId } from "../base/ids.ts";
import { seededRandom, systemRandom } from "../base/random.ts";
import {
  appendFrames,
  device,
  freshPath,
  memoryBlocks,
  pair,
  readFrame,
  request,
  secret,
  trustedSocket,
} from "../test/rpc-pair.ts";
import { RpcClient } from "./client.ts";
import { encodeHeader } from "./codec.ts";
import { connect } from "./connect.ts";
import { emptyHead, FRAME_BYTES, type FrameKind, HAS_PAYLOAD, writeHead } from "./frame.ts";
import { clientHandshake, HANDSHAKE_BYTES, type Handshake, serverHandshake } from "./handshake.ts";
import { blockTable } from "./tables.ts";

const random = seededRandom(7);
const below = (n: number) => random.u32() % n;
const pick = <T>(from: readonly [T, ...T[]]): T => from[below(from.length)] ?? from[0];

const someAppend = (stream: number, bytes: number) => appendFrames(stream, random.bytes(bytes));

/** Sends in parts that end anywhere, some of them in ticks of their own. */
async function sendInParts(socket: Socket, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length && !socket.destroyed; ) {
    const part = bytes.subarray(at, at + 1 + below(pick([5, 40, 3000, 100_000])));
    socket.write(part);
    at += part.length;
    if (below(3) === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

test("a trusted peer that talks nonsense harms nobody else", async () => {
  await using p = await pair(memoryBlocks());
  assert("path" in p.server.address, "a Unix socket");
  const { path } = p.server.address;
  for (let round = 0; round < 150; round++) {
    const socket = await trustedSocket(path);
    socket.on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    const bytes = Buffer.concat([
      someAppend(1, below(200)),
      someAppend(2, 70_000),
      someAppend(3, below(9)),
    ]);
    for (let flips = below(8); flips > 0; flips--)
      bytes[below(below(2) === 0 ? 300 : bytes.length)] = below(256);
    socket.resume();
    socket.end(bytes.subarray(0, below(4) === 0 ? below(bytes.length) : bytes.length));
    await closed;
  }
  expect(await p.blocks.createBlock({ device, block: 1 as BlockId, generation: 1 })).toBe(
    undefined,
  );
  while (p.server.peers.size > 1) await new Promise((resolve) => setImmediate(resolve));
  expect(p.server.heldBytes).toBe(0);
  for (const error of p.reported) expect(error).toBeInstanceOf(TypeError); // arguments of other types
});

/** A frame that is well formed by itself: what is wrong with it is when it comes, and for what. */
function frame(kind: FrameKind, stream: number, more: Partial<ReturnType<typeof emptyHead>> = {}) {
  const piece = random.bytes(kind === 4 ? 1 + below(pick([10, 70_000])) : 0);
  const head = { ...emptyHead(), kind, stream, lengthBytes: piece.length, ...more };
  const first = Buffer.alloc(FRAME_BYTES);
  writeHead(new DataView(first.buffer), 0, head);
  return Buffer.concat([first, piece]);
}

function answerFrame(kind: 2 | 3, stream: number, value: unknown, raw?: Buffer): Buffer {
  const header = encodeHeader(value);
  const inline =
    raw === undefined || raw.length <= 65_536 ? (raw ?? Buffer.alloc(0)) : Buffer.alloc(0);
  const head = { ...emptyHead(), kind, stream, flags: raw === undefined ? 0 : HAS_PAYLOAD };
  head.headerBytes = header.length;
  head.payloadBytes = raw?.length ?? 0;
  head.lengthBytes = header.length + inline.length;
  const first = Buffer.alloc(FRAME_BYTES);
  writeHead(new DataView(first.buffer), 0, head);
  return Buffer.concat([first, header, inline]);
}

/** No request of a fuzzed peer touches this one. */
const NEEDLE = 99n;
const wanted = (bytes: number) => ({
  ...{ device, block: 4_000_000_000 as BlockId, needle: NEEDLE as NeedleId },
  ...{ offset: 0, lengthBytes: bytes },
});

test("frames in any order, for any stream, in any parts: the server keeps its accounts", async () => {
  await using p = await pair(memoryBlocks());
  assert("path" in p.server.address, "a Unix socket");
  const large = random.bytes(300_000);
  await p.blocks.append(request(NEEDLE, large), large);
  for (let round = 0; round < 60; round++) {
    const socket = await trustedSocket(p.server.address.path);
    socket.on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    if (below(4) > 0) socket.resume(); // else it takes nothing of what it asked for
    const stream = () => 1 + below(4);
    const sent = Array.from({ length: 1 + below(12) }, () => {
      switch (below(7)) {
        case 0:
          return someAppend(stream(), below(100));
        case 1:
          return someAppend(stream(), 66_000 + below(200_000));
        case 2:
          return readFrame(stream(), wanted(below(300_000)));
        case 3:
          return frame(5, stream(), { creditBytes: below(400_000) });
        case 4:
          return frame(6, stream());
        case 5:
          return frame(7, 0);
        default:
          return frame(pick([1, 2, 3, 4, 8]), stream());
      }
    });
    await sendInParts(socket, Buffer.concat(sent));
    if (below(2) === 0) socket.destroy();
    else socket.end();
    socket.resume();
    await closed;
  }
  while (p.server.peers.size > 1) await new Promise((resolve) => setImmediate(resolve));
  expect(p.server.heldBytes).toBe(0);
  const again = await p.blocks.read(wanted(large.length));
  expect(again.kind === "data" && large.equals(again.data)).toBe(true);
  for (const error of p.reported) expect(error).toBeInstanceOf(TypeError);
});

/** A server that knows the secret and answers with whatever `answers` makes of a number of streams. */
async function nonsenseServer(answers: (streams: number) => Buffer) {
  const path = freshPath();
  const sockets = new Set<Socket>();
  const server = createServer(async (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    const handshake = serverHandshake(secret, systemRandom);
    handshake.next();
    for (let step: IteratorResult<Buffer | undefined, Buffer | undefined>; ; ) {
      await once(socket, "readable");
      const message: Buffer | null = socket.read(HANDSHAKE_BYTES);
      if (message === null) return;
      step = handshake.next(message);
      if (step.value !== undefined) socket.write(step.value);
      if (step.done === true) break;
    }
    if (socket.readableLength === 0) await once(socket, "readable").catch(() => undefined);
    socket.resume();
    await sendInParts(socket, answers(4));
    socket.end();
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    path,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

test("whatever a server answers, every call of a client ends, and it goes on with the next server", async () => {
  const outcomes = new Map<string, number>();
  const note = (what: string) => outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
  for (let round = 0; round < 80; round++) {
    const answers = (streams: number): Buffer => {
      const stream = () => 1 + below(streams + 1);
      const all = Array.from({ length: 2 + below(8) }, () => {
        const bytes = below(pick([9, 5000, 200_000]));
        const data = { kind: "data", needleBytes: bytes, generation: 1, offset: 0 };
        switch (below(8)) {
          case 0:
            return answerFrame(
              2,
              stream(),
              { ...data, checksums: new Uint32Array(1) },
              random.bytes(bytes),
            );
          case 1:
            return answerFrame(
              2,
              stream(),
              pick([undefined, null, 7, "text", [1]] as [unknown, ...unknown[]]),
            );
          case 2:
            return answerFrame(
              3,
              stream(),
              pick([["Busy", "no"], ["Strange", "no"], [1], "x", null] as [unknown, ...unknown[]]),
            );
          case 3:
            return frame(4, stream());
          case 4:
            return frame(5, stream(), { creditBytes: below(1e6) });
          case 5:
            return frame(8, 0);
          case 6:
            return frame(pick([1, 6, 7]), stream());
          default:
            return answerFrame(3, stream(), ["NotLeader", "no", 3, "host:1"]);
        }
      });
      const bytes = Buffer.concat(all);
      if (below(3) === 0) bytes[below(bytes.length)] = below(256);
      return bytes;
    };
    await using server = await nonsenseServer(answers);
    await using rpc = new RpcClient({
      ...{ address: { path: server.path }, secret, clock: systemClock, random: systemRandom },
      deadlineMs: 5000,
    });
    const blocks = connect(blockTable, rpc);
    const data = random.bytes(100_000);
    const calls = [
      blocks.read(wanted(1000)),
      blocks.read(wanted(200_000)),
      blocks.append(request(1n, data), data),
      blocks.createBlock({ device, block: 1 as BlockId, generation: 1 }),
    ];
    for (const { status, ...end } of await Promise.allSettled<unknown>(calls)) {
      note(status);
      if ("reason" in end) {
        expect(end.reason).toBeInstanceOf(QuarryError);
        note((end.reason as QuarryError).code);
      }
    }
  }
  expect(outcomes.get("rejected")).toBeGreaterThan(100);
  expect(outcomes.get("fulfilled")).toBeGreaterThan(10);
  expect(outcomes.get("Protocol")).toBeGreaterThan(10);
  expect(outcomes.get("Timeout") ?? 0).toBe(0); // an end is an end: nobody waits for the deadline
});

test("a handshake with a changed byte, wherever it is, in whatever message, brings no trust", () => {
  let trusted = 0;
  for (let round = 0; round < 3000; round++) {
    const client = clientHandshake(secret, random);
    const server = serverHandshake(secret, random);
    const damaged = below(4);
    const at = below(HANDSHAKE_BYTES);
    const flip = round % 10 === 0 ? 0 : 1 + below(255);
    const ends = { client: false, server: false };
    try {
      let message = step(client, undefined, ends, "client");
      step(server, undefined, ends, "server");
      for (let n = 0; n < 4 && message !== undefined; n++) {
        const bytes = Buffer.from(message);
        if (n === damaged) bytes[at] = (bytes[at] ?? 0) ^ flip;
        message =
          n % 2 === 0 ? step(server, bytes, ends, "server") : step(client, bytes, ends, "client");
      }
    } catch (error) {
      if (!hasCode(error, "Protocol", "Busy")) throw error;
    }
    if (ends.client && ends.server) trusted++;
    // What carries a nonce or a proof is covered by the proofs; who was refused has not gone on.
    const isProved = damaged < 3 && at >= (damaged === 2 ? 40 : 8) && (damaged !== 0 || at < 40);
    if (flip !== 0 && isProved) expect(ends).toEqual({ client: false, server: false });
    if (flip === 0) expect(ends).toEqual({ client: true, server: true });
  }
  expect(trusted).toBeGreaterThan(300);
});

function step(
  handshake: Handshake,
  message: Buffer | undefined,
  ends: { client: boolean; server: boolean },
  side: "client" | "server",
): Buffer | undefined {
  const { value, done } = message === undefined ? handshake.next() : handshake.next(message);
  if (done === true) ends[side] = true;
  return value;
}

test("rubbish instead of a handshake, in any parts, is hung up on, and costs the server nothing", async () => {
  await using p = await pair(memoryBlocks());
  assert("path" in p.server.address, "a Unix socket");
  for (let round = 0; round < 60; round++) {
    const socket = connectTo(p.server.address.path);
    socket.on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    const rubbish = random.bytes(1 + below(400));
    if (below(2) === 0) rubbish.write("QRPC\x01\0\0\0", "latin1");
    socket.resume();
    await sendInParts(socket, rubbish);
    socket.end();
    await closed;
  }
  expect(await p.blocks.createBlock({ device, block: 1 as BlockId, generation: 1 })).toBe(
    undefined,
  );
  while (p.server.peers.size > 1) await new Promise((resolve) => setImmediate(resolve));
  expect(p.reported).toEqual([]);
});
