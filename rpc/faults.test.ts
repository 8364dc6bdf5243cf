import { describe, expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { assert } from "../base/errors.ts";
import type { BlockId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { seededRandom } from "../base/random.ts";
import { heldBlocks, ManualClock, until } from "../test/rpc-held.ts";
import {
  appendFrames,
  device,
  freshPath,
  memoryBlocks,
  pair,
  request,
  secret,
  trustedSocket,
} from "../test/rpc-pair.ts";
import type { BlockService } from "./block-service.ts";
import { RpcClient } from "./client.ts";
import { connect } from "./connect.ts";
import { emptyHead, FRAME_BYTES, frameKinds, writeHead } from "./frame.ts";
import { serve } from "./serve.ts";
import { RpcServer } from "./server.ts";
import { blockTable } from "./tables.ts";

const address = { device, block: 1 as BlockId, generation: 1 };
const MiB = 1 << 20;

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

describe("requests out of order", () => {
  /** Counts appends. */
  function counting() {
    const count = { appends: 0 };
    const held = heldBlocks();
    const append: BlockService["append"] = (...args) => {
      count.appends++;
      return held.blocks.append(...args);
    };
    return { count, held, blocks: { ...held.blocks, append } };
  }

  test("a piece too many does not run a request again", async () => {
    const { count, held, blocks } = counting();
    await using p = await pair(blocks);
    assert("path" in p.server.address, "a Unix socket");
    const peer = await trustedSocket(p.server.address.path);
    peer.on("error", () => {});
    peer.resume();
    const gone = new Promise((resolve) => peer.once("close", resolve));
    peer.write(appendFrames(1, Buffer.alloc(100)));
    await held.arrived(1);
    const empty = Buffer.alloc(FRAME_BYTES);
    writeHead(new DataView(empty.buffer), 0, { ...emptyHead(), kind: frameKinds.data, stream: 1 });
    peer.write(empty);
    await gone;
    held.answer();
    expect(count.appends).toBe(1);
  });

  test("a request that expires while it comes in is not run", async () => {
    const { count, blocks } = counting();
    const clock = new ManualClock();
    await using p = await pair(blocks, { clock });
    assert("path" in p.server.address, "a Unix socket");
    const peer = await trustedSocket(p.server.address.path);
    const frames = appendFrames(1, Buffer.alloc(60_000));
    peer.write(frames.subarray(0, 30_000));
    await until(() => p.server.heldBytes === 60_000);
    clock.advance(limits.rpcDeadlineMs);
    expect(p.server.heldBytes).toBe(0);
    peer.write(frames.subarray(30_000));
    const answer = await new Promise<Buffer>((resolve) => peer.once("data", resolve));
    expect(answer.toString("latin1")).toContain("Timeout");
    expect(await p.blocks.createBlock(address)).toBeUndefined();
    expect(count.appends).toBe(0);
    peer.destroy();
  });
});
