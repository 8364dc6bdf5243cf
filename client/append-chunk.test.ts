/** An acknowledgement needs every member (INV-2), whatever fails between two pieces. */
import { describe, expect, test } from "vitest";
import { SimulatedCrash, SimulatedDisk } from "../base/disk-simulated.ts";
import type { BlockId, DeviceId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { seededRandom } from "../base/random.ts";
import type { Chunk } from "../rpc/objects.ts";
import { piecesOf } from "../rpc/pool.ts";
import { owner, PieceMembers } from "../test/piece-members.ts";
import { appendChunk, rewriteChunk } from "./append-chunk.ts";
import { readWindow } from "./read-window.ts";

interface Stored {
  readonly chunk: Chunk;
  readonly content: Buffer;
}

async function expectWhole(members: PieceMembers, { chunk, content }: Stored): Promise<void> {
  const window = { chunk, from: 0, lengthBytes: content.length };
  expect(content.equals(await readWindow(members.context, window))).toBe(true);
}

describe.each([
  { k: 1, m: 2 },
  { k: 4, m: 2 },
])("$k+$m", (scheme) => {
  test("a member that fails is reported by its position, and the chunk goes to another block", async () => {
    await using members = await PieceMembers.open(scheme, 1, { spare: 1 });
    await members.addBlock();
    await members.addBlock(members.devices.slice(1));
    members.fault([0], "fail");
    const content = members.random.bytes(100_000);
    const chunk = await appendChunk(members.context, owner, content);
    expect(members.reported).toEqual([{ block: 1, reason: "failed", position: 0 }]);
    expect(chunk.block).toBe(2);
    await expectWhole(members, { chunk, content });
  });

  test("a block that a member has sealed is reported as sealed, and one that lost it as failed", async () => {
    await using members = await PieceMembers.open(scheme, 2);
    for (let i = 0; i < 3; i++) await members.addBlock();
    const [first, second] = members.devices;
    if (first === undefined || second === undefined) throw new Error("there are devices");
    for (const { block, generation } of members.blocks.slice(0, 1))
      await members.server.sealBlock({ device: second, block, generation });
    for (const { block, generation } of members.blocks.slice(1, 2))
      await members.server.retire({ device: first, block, generation });
    const content = members.random.bytes(10);
    const chunk = await appendChunk(members.context, owner, content);
    expect(members.reported).toEqual([
      { block: 1, reason: "sealed" },
      { block: 2, reason: "failed", position: 0 },
    ]);
    await expectWhole(members, { chunk, content });
  });

  test("when no block takes it the writer is told, and nothing is acknowledged", async () => {
    await using members = await PieceMembers.open(scheme, 3);
    for (let i = 0; i < 20; i++) await members.addBlock();
    members.fault([piecesOf(scheme) - 1], "away");
    const writing = appendChunk(members.context, owner, members.random.bytes(10));
    await expect(writing).rejects.toMatchObject({ code: "Unavailable" });
    expect(members.reported).toHaveLength(limits.retries + 1);
  });

  test("a member that hangs holds a chunk only for a while, and others not at all", async () => {
    await using members = await PieceMembers.open(scheme, 6, { spare: 1 });
    await members.addBlock();
    await members.addBlock(members.devices.slice(1));
    members.fault([0], "late");
    const content = members.random.bytes(100_000);
    let lastUse: Promise<unknown> | undefined;
    const keep = (use: Promise<unknown>) => {
      lastUse = use;
    };
    const chunk = await appendChunk(members.context, owner, content, {}, keep);
    expect(chunk.block).toBe(2);
    // It has the memory of the chunk yet, and is no failure so far.
    expect(members.held).toBe(1);
    expect(members.reported).toEqual([]);
    await expectWhole(members, { chunk, content });
    for (let i = 0; i < 3; i++) {
      const next = await appendChunk(members.context, owner, members.random.bytes(10));
      expect(next.block).toBe(2);
    }
    expect(members.held).toBe(1);
    members.release();
    await lastUse;
  });

  test("when all known blocks have a member that hangs, others are asked for", async () => {
    await using members = await PieceMembers.open(scheme, 9, { spare: 1 });
    await members.addBlock();
    await appendChunk(members.context, owner, members.random.bytes(10));
    members.fault([0], "late");
    const [hangs] = members.devices;
    members.onAvoid = async (avoid) => {
      expect(avoid).toEqual([hangs]);
      await members.addBlock(members.devices.slice(1));
    };
    const content = members.random.bytes(100_000);
    const chunk = await appendChunk(members.context, owner, content);
    expect(chunk.block).toBe(2);
    expect(members.held).toBe(1);
    await expectWhole(members, { chunk, content });
    members.release();
  });

  test("what fails late is reported then", async () => {
    await using members = await PieceMembers.open(scheme, 7, { spare: 1 });
    await members.addBlock();
    await members.addBlock(members.devices.slice(1));
    members.fault([0], "late");
    let lastUse: Promise<unknown> | undefined;
    const keep = (use: Promise<unknown>) => {
      lastUse = use;
    };
    await appendChunk(members.context, owner, members.random.bytes(10), {}, keep);
    await members.server.sealBlock({
      ...{ device: members.devices[0] as DeviceId, block: 1 as BlockId, generation: 1 },
    });
    members.release();
    await lastUse;
    expect(members.reported).toEqual([{ block: 1, reason: "sealed" }]);
  });

  test("a chunk waits for a member that is slow when there is no other block", async () => {
    await using members = await PieceMembers.open(scheme, 8);
    await members.addBlock();
    members.fault([0], "late");
    const content = members.random.bytes(10);
    const writing = appendChunk(members.context, owner, content);
    while (members.held < 1) await new Promise((resume) => setImmediate(resume));
    await new Promise((resume) => setTimeout(resume, (2 * limits.appendLateMs) / 100));
    members.release();
    await expectWhole(members, { chunk: await writing, content });
  });

  test("a chunk is written anew from what its members have", async () => {
    await using members = await PieceMembers.open(scheme, 4);
    await members.addBlock();
    const content = members.random.bytes(2_500_000);
    const chunk = await appendChunk(members.context, owner, content);
    members.fault([0, 1], "lie");
    // Those that read wrong take appends.
    const anew = await rewriteChunk(members.context, owner, chunk);
    expect(anew.crc32c).toBe(chunk.crc32c);
    members.faults.clear();
    await expectWhole(members, { chunk: anew, content });
  });

  test("after the power is cut between any two pieces every member has what was acknowledged", async () => {
    let checked = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const disk = new SimulatedDisk();
      const before = await PieceMembers.open(scheme, seed, { disk });
      await before.addBlock();
      const random = seededRandom(seed);
      disk.crashAt(disk.operations + 1 + (random.u32() % (piecesOf(scheme) * 12)));
      const stored: Stored[] = [];
      try {
        for (let i = 0; i < 40; i++) {
          const contents = [1, 2, 3].map(() => random.bytes(1 + (random.u32() % 20_000)));
          const ends = await Promise.allSettled(
            contents.map(async (content) =>
              stored.push({ chunk: await appendChunk(before.context, owner, content), content }),
            ),
          );
          for (const end of ends) if (end.status === "rejected") throw end.reason;
        }
      } catch (error) {
        expect(disk.crashed, `${error}`).toBe(true);
      }
      await before[Symbol.asyncDispose]().catch((error: unknown) => {
        if (!(error instanceof SimulatedCrash) && !disk.crashed) throw error;
      });
      expect(disk.crashed).toBe(true);
      disk.crash(random);
      checked += stored.length;
      await using members = await PieceMembers.reopen(before, disk);
      for (const one of stored)
        for (let lost = 0; lost < piecesOf(scheme); lost++) {
          // Each piece is needed in its turn: with m others away none can stand in for it.
          const others = Array.from(
            { length: scheme.m },
            (_, i) => (lost + 1 + i) % piecesOf(scheme),
          );
          members.faults.clear();
          members.forget();
          members.fault(others, "away");
          await expectWhole(members, one);
        }
    }
    expect(checked).toBeGreaterThan(20);
  });
});

test("pieces stay within their budget, however many chunks wait for members", async () => {
  const scheme = { k: 4, m: 2 };
  await using members = await PieceMembers.open(scheme, 5);
  await members.addBlock();
  members.fault([...members.devices.keys()], "late");
  const content = members.random.bytes(1000);
  const chunkBytes = 4_000_000;
  const writing = Array.from({ length: 30 }, () =>
    appendChunk(members.context, owner, Buffer.alloc(chunkBytes, content)),
  );
  const settled = Promise.allSettled(writing);
  const most = Math.floor(limits.encodeBytes / (1.5 * chunkBytes));
  for (let i = 0; i < 200; i++) await new Promise((resume) => setImmediate(resume));
  expect(members.held).toBe(most * piecesOf(scheme));
  members.faults.clear();
  members.release();
  await settled;
  expect(await Promise.all(writing)).toHaveLength(30);
});
