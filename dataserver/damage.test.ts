/** Bits that flip on the disk are found and named, never served, and cost nothing but themselves. */
import { describe, expect, test } from "vitest";
import type { DiskFile } from "../base/disk.ts";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import { type ErrorCode, hasCode } from "../base/errors.ts";
import { MARK_IDLE_MS } from "../base/idle-mark.ts";
import type { NeedleId } from "../base/ids.ts";
import { seededRandom } from "../base/random.ts";
import {
  addressOf,
  BLOCK,
  blockFile,
  bytesOf,
  DIRECTORY,
  type Fixture,
  indexFile,
  load,
  openFixture,
  store,
} from "../test/block-fixture.ts";
import { recordBytes } from "./record.ts";
import { SUPERBLOCK_BYTES } from "./superblock.ts";

const id = (n: number) => BigInt(n) as NeedleId;
const coded = (code: ErrorCode) => (error: unknown) => hasCode(error, code);
const NEEDLES = [1, 2, 3, 4];
const REMOVED = 2;
const pace = { bytesPerSecond: Number.POSITIVE_INFINITY };
const settle = () => new Promise((resolve) => setImmediate(resolve));
const dataOf = (n: number) => bytesOf(id(n), 20 * n);

/** Four small needles, one removed, and the state in which the server leaves the block. */
async function diskWith(end: "killed" | "closed" | "sealed"): Promise<SimulatedDisk> {
  const f = await openFixture(new SimulatedDisk(), { extendBytes: 768 });
  await f.server.createBlock(addressOf(f));
  for (const n of NEEDLES) expect(await store(f, id(n), addressOf(f), dataOf(n))).toBe("stored");
  await f.server.remove(addressOf(f), [id(REMOVED)]);
  if (end === "sealed") await f.server.sealBlock(addressOf(f));
  if (end === "killed") {
    f.clock.advance(2 * MARK_IDLE_MS);
    await settle();
    f.disk.kill();
  } else await f.server[Symbol.asyncDispose]();
  return f.disk;
}

function copyOf(disk: SimulatedDisk): SimulatedDisk {
  const copy = new SimulatedDisk();
  for (const path of disk.paths()) copy.plant(path, disk.contentOf(path));
  return copy;
}

/** Every answer is the right bytes, or says that something is wrong. */
async function nothingWrongIsServed(f: Fixture): Promise<number> {
  let lost = 0;
  for (const n of NEEDLES) {
    const found = await load(f, id(n));
    if (found instanceof Buffer) expect(found).toEqual(dataOf(n));
    else lost++;
  }
  return lost;
}

async function flipEach(disk: SimulatedDisk, path: string): Promise<void> {
  const content = disk.contentOf(path);
  for (let at = 0; at < content.length; at++) {
    const damaged = copyOf(disk);
    damaged.flip(path, at, 1 << (at % 8));
    const f = await openFixture(damaged);
    const atStart = f.reports.length;
    const lost = await nothingWrongIsServed(f);
    await f.server.scrub(f.device, pace);
    const named = f.reports.filter((r) => r.path === path && r.kind !== "leftover");
    expect(named.length, `byte ${at} of ${content.length}`).toBeGreaterThan(0);
    const places = named.filter((r) => r.offset !== undefined);
    if (path === blockFile())
      expect(
        places.some((r) => (r.offset ?? 0) <= at && at < (r.offset ?? 0) + (r.lengthBytes ?? 0)),
        `byte ${at} is in what was named`,
      ).toBe(true);
    // One damaged record costs at most its own needle; a lost superblock without an index all.
    if (at >= SUPERBLOCK_BYTES) expect(lost, `byte ${at}`).toBeLessThanOrEqual(2);
    expect(atStart).toBeGreaterThanOrEqual(0);
  }
}

describe("a flip in each byte is named", () => {
  test("of a sealed block", async () => flipEach(await diskWith("sealed"), blockFile()));
  test("of a sealed block's index", async () => flipEach(await diskWith("sealed"), indexFile()));
  test("of an open block that was closed", async () =>
    flipEach(await diskWith("closed"), blockFile()));
  test("of an open block's index", async () => flipEach(await diskWith("closed"), indexFile()));

  test("of an open block whose server was killed, up to its mark", async () => {
    const disk = await diskWith("killed");
    const path = blockFile();
    const end = SUPERBLOCK_BYTES + NEEDLES.reduce((n, i) => n + recordBytes(20 * i), 0) + 80;
    for (let at = SUPERBLOCK_BYTES; at < end; at++) {
      const damaged = copyOf(disk);
      damaged.flip(path, at, 1 << (at % 8));
      const f = await openFixture(damaged);
      const lost = await nothingWrongIsServed(f);
      const wanted = at < end - 40 ? "damage" : "torn-tail";
      expect(
        f.reports.map((r) => r.kind),
        `byte ${at}`,
      ).toContain(wanted);
      expect(lost, `byte ${at}`).toBeLessThanOrEqual(2);
    }
  });
});

describe("damage", () => {
  test("stays known, costs one needle, and stops appends to the block", async () => {
    const disk = await diskWith("killed");
    disk.flip(blockFile(), SUPERBLOCK_BYTES + recordBytes(20) + recordBytes(40) + 40);
    const f = await openFixture(disk);
    expect(f.reports).toMatchObject([{ kind: "damage", needle: 3n }]);
    expect(await load(f, id(3))).toBe("damaged");
    expect(await load(f, id(4))).toEqual(dataOf(4));
    expect(await store(f, id(9))).toBe("full");
    await f.server.remove(addressOf(f), [id(4)]);
    disk.crash(seededRandom(1));
    const again = await openFixture(disk);
    const [status] = await again.server.blocks(again.device, -1, 1);
    expect(status?.damage).toHaveLength(1);
    expect(await load(again, id(3))).toBe("damaged");
    expect(await load(again, id(4))).toBe("missing");
  });

  test("that a read comes upon is noted and named", async () => {
    const disk = await diskWith("sealed");
    disk.flip(blockFile(), SUPERBLOCK_BYTES + 5);
    const f = await openFixture(disk);
    expect(f.reports).toEqual([]);
    expect(await load(f, id(1))).toBe("damaged");
    expect(f.reports).toMatchObject([{ kind: "damage", needle: 1n, offset: SUPERBLOCK_BYTES }]);
  });

  test("that is noted while the block is being sealed leaves a checkpoint that a start can use", async () => {
    for (let ticks = 0; ticks < 40; ticks++) {
      const disk = await diskWith("killed");
      const f = await openFixture(disk);
      await store(f, id(9), addressOf(f), bytesOf(id(9), 30));
      const sealing = f.server.sealBlock(addressOf(f));
      disk.flip(blockFile(), SUPERBLOCK_BYTES + 5);
      for (let i = 0; i < ticks; i++) await Promise.resolve();
      expect(await load(f, id(1))).toBe("damaged");
      await sealing;
      disk.crash(seededRandom(ticks));
      const again = await openFixture(disk);
      expect(await load(again, id(4))).toEqual(dataOf(4));
    }
  });

  test("is not compacted away", async () => {
    const disk = await diskWith("sealed");
    disk.flip(blockFile(), SUPERBLOCK_BYTES + 40);
    const f = await openFixture(disk);
    await expect(f.server.compact(addressOf(f))).rejects.toSatisfy(coded("Damaged"));
    expect(f.reports).toMatchObject([{ kind: "damage", needle: 1n }]);
    await expect(f.server.compact(addressOf(f))).rejects.toSatisfy(coded("Damaged"));
    expect(disk.paths().filter((path) => path.includes(".g2"))).toEqual([]);
  });

  test("of a built generation stops its switch", async () => {
    const disk = await diskWith("sealed");
    const f = await openFixture(disk);
    await f.server.compact(addressOf(f));
    disk.flip(`${DIRECTORY}/00000007.block.g2`, SUPERBLOCK_BYTES + 40);
    const next = { ...addressOf(f), generation: 2 };
    await expect(f.server.switchGeneration(next)).rejects.toSatisfy(coded("Damaged"));
    expect(await load(f, id(1))).toEqual(dataOf(1));
    await f.server.compact(addressOf(f));
    await f.server.switchGeneration(next);
    expect(await load(f, id(1))).toEqual(dataOf(1));
  });

  test("of a superblock without an index makes that block unreadable, and no other", async () => {
    const disk = await diskWith("killed");
    disk.flip(blockFile(), 20);
    const f = await openFixture(disk);
    expect(f.reports).toMatchObject([{ kind: "damage", offset: 0, path: blockFile() }]);
    expect(await load(f, id(1))).toBe("damaged");
    expect(await store(f, id(9))).toBe("full");
    const [status] = await f.server.blocks(f.device, -1, 1);
    expect(status).toMatchObject({ block: BLOCK, damage: [{ offset: 0 }] });
    const other = addressOf(f, 8 as typeof BLOCK);
    await f.server.createBlock(other);
    expect(await store(f, id(9), other)).toBe("stored");
  });

  test("does not bring records to light that a user stored inside a needle", async () => {
    const f = await openFixture();
    await f.server.createBlock(addressOf(f));
    await store(f, id(1), addressOf(f), dataOf(1));
    const image = f.disk.contentOf(blockFile()).subarray(0, SUPERBLOCK_BYTES + recordBytes(20));
    await f.server.remove(addressOf(f), [id(1)]);
    const at = SUPERBLOCK_BYTES + recordBytes(20) + recordBytes(0);
    await store(f, id(2), addressOf(f), image);
    await store(f, id(3), addressOf(f), dataOf(3));
    f.disk.kill();
    f.disk.flip(blockFile(), at + 9);
    const again = await openFixture(f.disk);
    expect(again.reports).toMatchObject([
      { kind: "damage", offset: at, lengthBytes: recordBytes(image.length) },
    ]);
    expect(await load(again, id(1))).toBe("missing");
    expect(await load(again, id(2))).toBe("damaged");
    expect(await load(again, id(3))).toEqual(dataOf(3));
  });

  test("a file that was cut short is named", async () => {
    const disk = await diskWith("sealed");
    const content = disk.contentOf(blockFile());
    disk.plant(blockFile(), content.subarray(0, content.length - 100));
    const f = await openFixture(disk);
    expect(f.reports).toMatchObject([{ kind: "damage", lengthBytes: 100 }]);
    expect(await load(f, id(1))).toEqual(dataOf(1));
  });

  test("a file of a newer format is refused", async () => {
    const disk = await diskWith("closed");
    const { crc32c } = await import("../base/checksum.ts");
    const content = disk.contentOf(blockFile());
    content.writeUInt16LE(4, 8);
    content.writeUInt32LE(crc32c(content.subarray(0, 60)), 60);
    disk.plant(blockFile(), content);
    await expect(openFixture(disk)).rejects.toSatisfy(coded("NewerFormat"));
  });
});

describe("scrub", () => {
  test("finds nothing in good blocks, and keeps its pace", async () => {
    const disk = await diskWith("sealed");
    const f = await openFixture(disk);
    const bytes = disk.contentOf(blockFile()).length;
    let ended = false;
    const run = f.server.scrub(f.device, { bytesPerSecond: bytes / 10 }).then((result) => {
      ended = true;
      return result;
    });
    for (let i = 0; i < 50; i++) await settle();
    expect(ended).toBe(false);
    while (!ended) {
      f.clock.advance(1000);
      await settle();
    }
    expect(await run).toMatchObject({ blocks: 1, bad: 0 });
    expect(f.clock.monotonicMs()).toBeGreaterThanOrEqual(10_000);
    expect(f.reports).toEqual([]);
  });

  test("takes no mark for damage that is written behind a sealed block's tombstones", async () => {
    for (let ticks = 0; ticks < 60; ticks++) {
      const disk = await diskWith("sealed");
      const open = disk.open.bind(disk);
      disk.open = async (path, mode) => {
        const file = await open(path, mode);
        const close = () => settle().then(() => file.close());
        return { ...file, close, [Symbol.asyncDispose]: close };
      };
      const f = await openFixture(disk);
      const removing = f.server.remove(addressOf(f), [id(1)]);
      for (let i = 0; i < ticks; i++) await Promise.resolve();
      const { bad } = await f.server.scrub(f.device, pace);
      await removing;
      expect([bad, f.reports]).toEqual([0, []]);
    }
  });

  test("takes nothing for damage that found no room and is cut off again", async () => {
    const f = await openFixture();
    await f.server.createBlock(addressOf(f));
    await store(f, id(1));
    for (let i = 0; i < 3; i++) {
      f.clock.advance(MARK_IDLE_MS);
      await settle();
    }
    const [status] = await f.server.blocks(f.device, 0, 1);
    const open = f.disk.open.bind(f.disk);
    let appending: Promise<string> | undefined;
    f.disk.space = async () => ({ totalBytes: 1e9, freeBytes: 1e9 });
    f.disk.open = async (path, mode) => {
      const file = await open(path, mode);
      const read: DiskFile["read"] = async (target, offset) => {
        if (offset === status?.fileBytes && appending === undefined) {
          f.disk.leaveFree(1000);
          appending = store(f, id(2), addressOf(f), Buffer.alloc(100_000, "x"));
          for (let i = 0; i < 50 && f.disk.contentOf(path)[offset] === 0; i++)
            await Promise.resolve();
        }
        return await file.read(target, offset);
      };
      return { ...file, read };
    };
    let ended = false;
    const scrubbing = f.server.scrub(f.device, { bytesPerSecond: 1e4 }).finally(() => {
      ended = true;
    });
    while (!ended) {
      await settle();
      f.clock.advance(1e5);
    }
    expect(await appending).toBe("full");
    expect([(await scrubbing).bad, f.reports]).toEqual([0, []]);
  });

  test("goes on beside appends and removals", async () => {
    const f = await openFixture();
    await f.server.createBlock(addressOf(f));
    for (let n = 1; n <= 20; n++) await store(f, id(n));
    const work = Promise.all([
      ...Array.from({ length: 50 }, (_, i) => store(f, id(100 + i))),
      f.server.remove(addressOf(f), [id(1), id(2)]),
    ]);
    const result = await f.server.scrub(f.device, pace);
    await work;
    expect(result.bad).toBe(0);
    expect((await f.server.scrub(f.device, pace)).bad).toBe(0);
  });
});

test("a scrub that finds damage while the next generation takes the block's place does not disturb it", async () => {
  const f = await openFixture(await diskWith("sealed"));
  const next = { ...addressOf(f), generation: 2 };
  await f.server.compact(addressOf(f));
  f.disk.flip(blockFile(), SUPERBLOCK_BYTES + 40);
  const path = indexFile();
  const { open, rename } = f.disk;
  let opened = 0;
  f.disk.open = async (...args) => {
    const file = await open.apply(f.disk, args);
    if (args[0] === `${path}.new`) opened++;
    if (opened === 2) for (let turn = 0; turn < 5; turn++) await settle();
    return file;
  };
  let switching: Promise<void> | undefined;
  // The scrub's checkpoint is not in its place yet when the order comes.
  f.disk.rename = async (...args) => {
    if (args[1] === path && switching === undefined) {
      switching = f.server.switchGeneration(next);
      switching.catch(() => undefined); // told below
      for (let turn = 0; turn < 100 && opened === 1; turn++) await settle();
    }
    await rename.apply(f.disk, args);
  };
  const { bad } = await f.server.scrub(f.device, pace);
  expect(bad).toBeGreaterThan(0);
  await switching;
  expect(await nothingWrongIsServed(f)).toBe(1);
  await f.server[Symbol.asyncDispose]();
  const again = await openFixture(f.disk);
  expect((await again.server.blocks(again.device, 0, 1))[0]).toMatchObject({
    generation: 2,
    damage: [],
  });
  await again.server[Symbol.asyncDispose]();
});
