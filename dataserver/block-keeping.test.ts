/** Blocks that their pool wants larger, smaller, or answered earlier than the device does it. */
import { describe, expect, test } from "vitest";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import type { NeedleId } from "../base/ids.ts";
import { addressOf, blockFile, bytesOf, load, openFixture, store } from "../test/block-fixture.ts";
import { decodeSuperblock } from "./superblock.ts";

const id = (n: number) => BigInt(n) as NeedleId;
const PIECE = { piece: 1, scheme: { k: 1, m: 2 } };
const KiB = 1024;

async function superblockIn(disk: SimulatedDisk): Promise<Buffer> {
  await using file = await disk.open(blockFile(), "read");
  const bytes = Buffer.alloc(64);
  await file.read(bytes, 0);
  return bytes;
}

describe("a block with a size of its own", () => {
  test("is full there, also after a restart, and in its next generation", async () => {
    const disk = new SimulatedDisk();
    const options = { blockBytes: 1024 * KiB };
    let f = await openFixture(disk, options);
    await f.server.createBlock(addressOf(f), PIECE, { blockBytes: 64 * KiB });
    expect(await store(f, id(1), addressOf(f), bytesOf(id(1), 40 * KiB))).toBe("stored");
    await f.server[Symbol.asyncDispose]();
    f = await openFixture(disk, options);
    expect(await store(f, id(2), addressOf(f), bytesOf(id(2), 40 * KiB))).toBe("full");
    expect(await store(f, id(3), addressOf(f), bytesOf(id(3), 10 * KiB))).toBe("stored");
    await f.server.sealBlock(addressOf(f));
    await f.server.compact(addressOf(f));
    await f.server.switchGeneration({ ...addressOf(f), generation: 2 });
    const next = decodeSuperblock(await superblockIn(disk), "block");
    expect(next).toMatchObject({ generation: 2, blockBytes: 64 * KiB, ...PIECE.scheme });
  });

  test("is of another format; one without has that of before", async () => {
    const f = await openFixture();
    await f.server.createBlock(addressOf(f), PIECE, {});
    const plain = await superblockIn(f.disk);
    expect([plain.readUInt16LE(8), decodeSuperblock(plain, "block")]).toEqual([
      1,
      expect.not.objectContaining({ blockBytes: expect.anything() }),
    ]);
    await f.server.retire(addressOf(f));
    await f.server.createBlock({ ...addressOf(f), generation: 2 }, PIECE, { durability: "none" });
    const other = await superblockIn(f.disk);
    expect(other.readUInt16LE(8)).toBe(2);
    expect(decodeSuperblock(other, "block")).toMatchObject({ durability: "none" });
  });
});

describe("a block with a durability of its own", () => {
  type Mode = "commit" | "none";
  /** Whether an append is answered while the disk syncs nothing. */
  async function isEarly(keeping: { durability?: Mode }, device: Mode): Promise<boolean> {
    const f = await openFixture(new SimulatedDisk(), { durability: device });
    await f.server.createBlock(addressOf(f), PIECE, keeping);
    expect(await store(f, id(1))).toBe("stored");
    f.disk.hangSyncs(true);
    let answered = false;
    const storing = store(f, id(2)).then(() => {
      answered = true;
    });
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
    const was = answered;
    f.disk.hangSyncs(false);
    await storing;
    expect(await load(f, id(2))).toEqual(bytesOf(id(2)));
    return was;
  }

  test("is answered on commit, on a device that answers earlier", async () => {
    expect(await isEarly({ durability: "commit" }, "none")).toBe(false);
    expect(await isEarly({}, "none")).toBe(true);
  });

  test("is answered earlier, on a device that answers on commit", async () => {
    expect(await isEarly({ durability: "none" }, "commit")).toBe(true);
    expect(await isEarly({}, "commit")).toBe(false);
  });
});
