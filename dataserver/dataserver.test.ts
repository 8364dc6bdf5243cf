import { describe, expect, test, vi } from "vitest";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import { type ErrorCode, hasCode } from "../base/errors.ts";
import type { BlockId, NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { seededRandom } from "../base/random.ts";
import {
  addressOf,
  BLOCK,
  blockFile,
  bytesOf,
  DIRECTORY,
  indexFile,
  listed,
  load,
  openFixture,
  store,
} from "../test/block-fixture.ts";

const id = (n: number | bigint) => BigInt(n) as NeedleId;
const coded = (code: ErrorCode) => (error: unknown) => hasCode(error, code);

async function openWithBlock(options: Parameters<typeof openFixture>[1] = {}) {
  const f = await openFixture(new SimulatedDisk(), options);
  await f.server.createBlock(addressOf(f));
  return f;
}

describe("append and read", () => {
  test("gives back what was stored, in any length", async () => {
    const f = await openWithBlock();
    const lengths = [0, 1, 7, 8, 9, 4096, 65_535, 65_536, 65_537, 300_000, limits.chunkBytes];
    for (const [i, length] of lengths.entries()) {
      const data = bytesOf(id(i + 1), length);
      expect(await store(f, id(i + 1), addressOf(f), data)).toBe("stored");
      expect((await load(f, id(i + 1))).toString()).toBe(data.toString());
    }
  });

  test("a small needle costs one read of the disk", async () => {
    const f = await openWithBlock();
    await store(f, id(1), addressOf(f), bytesOf(id(1), 4096));
    await load(f, id(1));
    const before = f.disk.reads;
    await load(f, id(1));
    expect(f.disk.reads - before).toBe(1);
  });

  test("a range gives the spans that it touches, with their checksums", async () => {
    const f = await openWithBlock();
    const data = bytesOf(id(1), 400_000);
    await store(f, id(1), addressOf(f), data);
    const ranges = [
      [0, 1, 0, 65_536],
      [65_536, 65_536, 65_536, 131_072],
      [70_000, 70_000, 65_536, 196_608],
      [399_999, 1, 393_216, 400_000],
      [399_999, 1000, 393_216, 400_000],
      [400_000, 5, 393_216, 393_216],
    ];
    for (const [offset = 0, lengthBytes = 0, from, to] of ranges) {
      const request = { device: f.device, block: BLOCK, needle: id(1), offset, lengthBytes };
      const reply = await f.server.read(request);
      if (reply.kind !== "data") throw new Error(reply.kind);
      expect([reply.offset, reply.offset + reply.data.length]).toEqual([from, to]);
      expect(Buffer.from(reply.data)).toEqual(data.subarray(from, to));
      expect(reply.checksums.length).toBe(Math.ceil(reply.data.length / 65_536));
    }
  });

  test("ordinary answers: duplicate, missing, stale, sealed, full", async () => {
    const f = await openWithBlock({ blockBytes: 10_000 });
    expect(await store(f, id(1))).toBe("stored");
    expect(await store(f, id(1))).toBe("duplicate");
    const both = await Promise.all([store(f, id(2)), store(f, id(2))]);
    expect(both.sort()).toEqual(["duplicate", "stored"]);
    expect(await store(f, id(3), { ...addressOf(f), generation: 2 })).toBe("stale");
    expect(await store(f, id(3), { ...addressOf(f), block: 8 as typeof BLOCK })).toBe("missing");
    expect(await store(f, id(4), addressOf(f), bytesOf(id(4), 10_000))).toBe("full");
    await f.server.sealBlock(addressOf(f));
    expect(await store(f, id(5))).toBe("sealed");
    expect(await load(f, id(9))).toBe("missing");
  });

  test("bytes that do not match their checksums are not stored", async () => {
    const f = await openWithBlock();
    const data = bytesOf(id(1), 100);
    const request = { ...addressOf(f), needle: id(1), owner: { blob: 1 as never, chunk: 0 } };
    const checksums = new Uint32Array([1]);
    await expect(
      f.server.append({ ...request, lengthBytes: 100, checksums }, data),
    ).rejects.toSatisfy(coded("Damaged"));
    expect(await load(f, id(1))).toBe("missing");
  });
});

describe("remove", () => {
  test("removed needles are gone, also after a start, and ids that are not there do no harm", async () => {
    const f = await openWithBlock();
    await Promise.all([1, 2, 3].map((n) => store(f, id(n))));
    await f.server.remove(addressOf(f), [id(1), id(99), id(1)]);
    await f.server.sealBlock(addressOf(f));
    await f.server.remove(addressOf(f), [id(2)]);
    f.disk.kill();
    const again = await openFixture(f.disk);
    expect(await load(again, id(1))).toBe("missing");
    expect(await load(again, id(2))).toBe("missing");
    expect(await load(again, id(3))).toEqual(bytesOf(id(3)));
    const [status] = await again.server.blocks(again.device, -1, 10);
    expect(status).toMatchObject({ needles: 1, digest: 3n, sealed: true, generation: 1 });
  });

  test("a batch has a maximum", async () => {
    const f = await openWithBlock();
    const many = Array.from({ length: limits.removeBatch + 1 }, (_, i) => id(i));
    await expect(f.server.remove(addressOf(f), many)).rejects.toSatisfy(coded("TooLarge"));
  });
});

describe("listing", () => {
  test("needles come in pages, with their owners", async () => {
    const f = await openWithBlock();
    for (let n = 1; n <= 10; n++) await store(f, id(n));
    await f.server.remove(addressOf(f), [id(4)]);
    expect(await listed(f)).toEqual([1, 2, 3, 5, 6, 7, 8, 9, 10].map(id));
    const { entries } = await f.server.needles(addressOf(f), 0, 1);
    const lengthBytes = bytesOf(id(1)).length;
    expect(entries).toEqual([{ needle: id(1), blob: 1, chunk: 3, lengthBytes }]);
  });

  test("of long needles it reads the headers alone, of short ones many at once", async () => {
    const f = await openWithBlock();
    for (let n = 1; n <= 6; n++) await store(f, id(n), addressOf(f), Buffer.alloc(300_000, n));
    for (let n = 7; n <= 60; n++) await store(f, id(n), addressOf(f), Buffer.alloc(100, n));
    let bytes = 0;
    const open = f.disk.open.bind(f.disk);
    vi.spyOn(f.disk, "open").mockImplementation(async (path, mode) => {
      const file = await open(path, mode);
      const read = (target: Uint8Array, offset: number) => {
        bytes += target.length;
        return file.read(target, offset);
      };
      return { ...file, read };
    });
    const readsBefore = f.disk.reads;
    expect(await listed(f, addressOf(f), 100)).toEqual(
      Array.from({ length: 60 }, (_, i) => id(i + 1)),
    );
    expect(bytes).toBeLessThan(20_000);
    expect(f.disk.reads - readsBefore).toBeLessThan(10);
  });

  test("appends and a seal that come meanwhile are taken for no damage", async () => {
    const f = await openWithBlock();
    for (let n = 1; n <= 40; n++) await store(f, id(n));
    const reads = Promise.withResolvers<void>();
    const open = f.disk.open.bind(f.disk);
    vi.spyOn(f.disk, "open").mockImplementation(async (path, mode) => {
      const file = await open(path, mode);
      const read = (target: Uint8Array, offset: number) =>
        reads.promise.then(() => file.read(target, offset));
      return mode === "read" ? { ...file, read } : file;
    });
    const listing = f.server.needles(addressOf(f), 0, 1000);
    for (let n = 41; n <= 400; n++) await store(f, id(n));
    await f.server.sealBlock(addressOf(f));
    reads.resolve();
    const { entries } = await listing;
    expect(entries.map(({ needle }) => Number(needle))).toEqual(
      Array.from({ length: 40 }, (_, i) => i + 1),
    );
    expect(f.reports).toEqual([]);
  });

  test("blocks come in pages, by id", async () => {
    const f = await openFixture();
    for (const n of [300, 2, 70_000])
      await f.server.createBlock({ ...addressOf(f), block: n as typeof BLOCK });
    const ids = async (after: number, limit: number) =>
      (await f.server.blocks(f.device, after, limit)).map((status) => status.block);
    expect(await ids(-1, 2)).toEqual([2, 300]);
    expect(await ids(300, 2)).toEqual([70_000]);
  });
});

describe("generations", () => {
  async function compacted() {
    const f = await openWithBlock();
    for (let n = 1; n <= 20; n++) await store(f, id(n));
    await f.server.sealBlock(addressOf(f));
    await f.server.remove(addressOf(f), [1, 5, 20].map(id));
    return { f, built: await f.server.compact(addressOf(f)) };
  }

  test("compaction leaves out what was removed, and the switch keeps what is removed meanwhile removed", async () => {
    const { f, built } = await compacted();
    expect(built).toMatchObject({ generation: 2, needles: 17, sealed: true });
    const [before] = await f.server.blocks(f.device, -1, 1);
    expect(before?.generation).toBe(1);
    await f.server.remove(addressOf(f), [id(7)]);
    const next = { ...addressOf(f), generation: 2 };
    await f.server.switchGeneration(next);
    await f.server.switchGeneration(next);
    const [after] = await f.server.blocks(f.device, -1, 1);
    expect(after).toMatchObject({ generation: 2, needles: 16, sealed: true, damage: [] });
    expect(after?.fileBytes).toBeLessThan(before?.fileBytes ?? 0);
    expect(await load(f, id(7))).toBe("missing");
    expect(await load(f, id(6))).toEqual(bytesOf(id(6)));
    await expect(f.server.remove(addressOf(f), [id(6)])).rejects.toSatisfy(
      coded("StaleGeneration"),
    );
    expect(f.disk.paths().filter((path) => path.includes(".block."))).toEqual([]);
    f.disk.kill();
    const again = await openFixture(f.disk);
    expect(await listed(again, next)).toHaveLength(16);
    expect(again.reports).toEqual([]);
  });

  test("a generation that is built survives a restart, one half built does not", async () => {
    const { f } = await compacted();
    f.disk.plant(`${DIRECTORY}/00000007.block.g2.new`, Buffer.from("half"));
    f.disk.plant(`${DIRECTORY}/00000009.index`, Buffer.from("of no block"));
    f.disk.crash(seededRandom(1));
    const again = await openFixture(f.disk);
    expect(again.reports.map((report) => report.kind)).toEqual(["leftover", "leftover"]);
    await again.server.switchGeneration({ ...addressOf(again), generation: 2 });
    expect(await listed(again, { ...addressOf(again), generation: 2 })).toHaveLength(17);
  });

  test("reads go on undisturbed under a switch, also when they must open the file", async () => {
    const { f } = await compacted();
    const other = addressOf(f, 9 as typeof BLOCK);
    await f.server.createBlock(other);
    await store(f, id(1), other);
    f.disk.kill();
    const again = await openFixture(f.disk, { maxOpenFiles: 1 });
    const sync = f.disk.syncDirectory.bind(f.disk);
    let reads = 0;
    f.disk.syncDirectory = async (directory) => {
      // The new file has its name, and the block is not exchanged yet.
      expect(await load(again, id(1), other.block)).toEqual(bytesOf(id(1)));
      expect(await load(again, id(6))).toEqual(bytesOf(id(6)));
      reads++;
      await sync(directory);
    };
    await again.server.switchGeneration({ ...addressOf(again), generation: 2 });
    expect(await load(again, id(6))).toEqual(bytesOf(id(6)));
    expect(reads).toBe(1);
    expect(again.reports).toEqual([]);
  });

  test("a scrub takes each block as it is when its turn comes", async () => {
    const f = await openFixture();
    const first = addressOf(f, 1 as typeof BLOCK);
    await f.server.createBlock(first);
    await store(f, id(1), first);
    await f.server.createBlock(addressOf(f));
    await store(f, id(2));
    await f.server.sealBlock(addressOf(f));
    await f.server.compact(addressOf(f));
    let ended = false;
    const run = f.server.scrub(f.device, { bytesPerSecond: 100 }).then((result) => {
      ended = true;
      return result;
    });
    await f.server.switchGeneration({ ...addressOf(f), generation: 2 });
    while (!ended) {
      f.clock.advance(1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await run).toMatchObject({ blocks: 2, bad: 0 });
    expect(f.reports).toEqual([]);
  });

  test("an open block is not compacted, what is not built not switched to", async () => {
    const f = await openWithBlock();
    await expect(f.server.compact(addressOf(f))).rejects.toSatisfy(coded("InvalidArgument"));
    await expect(f.server.switchGeneration({ ...addressOf(f), generation: 2 })).rejects.toSatisfy(
      coded("NoSuchBlock"),
    );
    await expect(f.server.switchGeneration({ ...addressOf(f), generation: 3 })).rejects.toSatisfy(
      coded("StaleGeneration"),
    );
  });

  test("a block is retired when it is empty, and its id can come back", async () => {
    const f = await openWithBlock();
    await store(f, id(1));
    await expect(f.server.retire(addressOf(f))).rejects.toSatisfy(coded("InvalidArgument"));
    await f.server.remove(addressOf(f), [id(1)]);
    await f.server.retire(addressOf(f));
    await f.server.retire(addressOf(f));
    expect(f.disk.paths()).toEqual([`${DIRECTORY}/identity.json`]);
    await f.server.createBlock({ ...addressOf(f), generation: 5 });
    expect(await store(f, id(1), { ...addressOf(f), generation: 5 })).toBe("stored");
    await expect(f.server.createBlock(addressOf(f))).rejects.toSatisfy(coded("StaleGeneration"));
  });
});

describe("a block that is to be made and is there", () => {
  const scheme = { k: 2, m: 1 };

  test("is the same as long as nothing was done with it", async () => {
    const f = await openFixture();
    await f.server.createBlock(addressOf(f), { piece: 1, scheme });
    await f.server.createBlock(addressOf(f), { piece: 1, scheme });
    expect(await store(f, id(1))).toBe("stored");
  });

  test("of another piece, with needles or sealed, is none that a pool may take for its own", async () => {
    const f = await openFixture();
    const make = (piece: number, of = scheme) =>
      f.server.createBlock(addressOf(f), { piece, scheme: of });
    await make(1);
    await expect(make(2)).rejects.toSatisfy(coded("InvalidArgument"));
    await expect(make(1, { k: 2, m: 2 })).rejects.toSatisfy(coded("InvalidArgument"));
    await store(f, id(1));
    await expect(make(1)).rejects.toSatisfy(coded("InvalidArgument"));
    await f.server.remove(addressOf(f), [id(1)]);
    await f.server.sealBlock(addressOf(f));
    await expect(make(1)).rejects.toSatisfy(coded("InvalidArgument"));
  });
});

describe("starts", () => {
  test("after a clean close nothing but checkpoints is read", async () => {
    const f = await openWithBlock();
    for (let n = 1; n <= 20; n++) await store(f, id(n));
    await f.server[Symbol.asyncDispose]();
    const before = f.disk.operations;
    const again = await openFixture(f.disk);
    expect(again.reports).toEqual([]);
    expect(f.disk.operations).toBe(before + 3); // the end's note goes; syncs of the folder
    expect(await listed(again)).toHaveLength(20);
    expect(await store(again, id(21))).toBe("stored");
    expect(await store(again, id(3))).toBe("duplicate");
  });

  test("a lost index file is made anew", async () => {
    const f = await openWithBlock();
    for (let n = 1; n <= 20; n++) await store(f, id(n));
    await f.server.sealBlock(addressOf(f));
    await f.server[Symbol.asyncDispose]();
    await f.disk.remove(indexFile());
    const again = await openFixture(f.disk);
    expect(await listed(again)).toHaveLength(20);
    expect(f.disk.paths()).toContain(indexFile());
  });

  test("a closed server touches nothing any more", async () => {
    const f = await openWithBlock();
    await store(f, id(1));
    await f.server[Symbol.asyncDispose]();
    await expect(store(f, id(2))).rejects.toSatisfy(coded("Closed"));
    await expect(load(f, id(1))).rejects.toSatisfy(coded("Closed"));
    await expect(f.server.remove(addressOf(f), [id(1)])).rejects.toSatisfy(coded("Closed"));
    await f.server[Symbol.asyncDispose]();
  });

  test("an append that comes while the server closes is stored before its end, or not at all", async () => {
    for (let ticks = 0; ticks < 60; ticks++) {
      const f = await openWithBlock();
      f.clock.advance(2_000);
      const storing = store(f, id(1)).catch(() => "refused");
      for (let i = 0; i < ticks; i++) await Promise.resolve();
      await f.server[Symbol.asyncDispose]();
      const { operations } = f.disk;
      const answer = await storing;
      expect(f.disk.operations).toBe(operations);
      const again = await openFixture(f.disk);
      expect(await load(again, id(1))).toEqual(answer === "stored" ? bytesOf(id(1)) : "missing");
    }
  });

  test("two servers do not share a directory", async () => {
    const f = await openWithBlock();
    await expect(openFixture(f.disk)).rejects.toSatisfy(coded("Locked"));
  });

  test("blocks without an identity are not adopted", async () => {
    const f = await openWithBlock();
    await f.server[Symbol.asyncDispose]();
    await f.disk.remove(`${DIRECTORY}/identity.json`);
    await expect(openFixture(f.disk)).rejects.toSatisfy(coded("Damaged"));
  });
});

describe("disks that fail", () => {
  test("a failed sync stops appends on the device; reads go on", async () => {
    const f = await openWithBlock();
    await store(f, id(1));
    f.disk.failSync((path) => path === blockFile());
    await expect(store(f, id(2))).rejects.toSatisfy(coded("DiskFailed"));
    f.disk.failSync(undefined);
    await expect(store(f, id(3))).rejects.toSatisfy(coded("DiskFailed"));
    expect(await load(f, id(1))).toEqual(bytesOf(id(1)));
    expect(await load(f, id(2))).toBe("missing");
    expect((await f.server.devices())[0]?.state).toBe("failed");
    expect(f.reports.map((report) => report.kind)).toEqual(["device-failed"]);
    await f.server[Symbol.asyncDispose]();
  });

  test("what a failed sync left in the memory of the system alone is no ground to build on", async () => {
    for (let fate = 0; fate < 20; fate++) {
      const f = await openWithBlock();
      await store(f, id(1));
      f.disk.failSync((path) => path === blockFile());
      await expect(store(f, id(2))).rejects.toSatisfy(coded("DiskFailed"));
      f.disk.failSync(undefined);
      f.disk.kill();
      const again = await openFixture(f.disk);
      expect(await store(again, id(3))).toBe("stored");
      f.disk.crash(seededRandom(fate));
      const after = await openFixture(f.disk);
      // Needle 2 was never acknowledged; but once it was shown it must not become damage.
      for (const n of [1, 2, 3]) expect(await load(after, id(n))).toEqual(bytesOf(id(n)));
      expect(after.reports.filter((report) => report.kind === "damage")).toEqual([]);
    }
  });

  test("a switch whose last sync fails serves the new generation, and can be repeated", async () => {
    const f = await openWithBlock({ maxOpenFiles: 1 });
    const other = addressOf(f, 8 as BlockId);
    await f.server.createBlock(other);
    await store(f, id(9), other);
    for (const n of [1, 2, 3]) await store(f, id(n));
    await f.server.sealBlock(addressOf(f));
    await f.server.remove(addressOf(f), [id(1)]);
    await f.server.compact(addressOf(f));
    const syncDirectory = f.disk.syncDirectory.bind(f.disk);
    f.disk.syncDirectory = () => Promise.reject(new Error("input/output error"));
    const order = () => f.server.switchGeneration(addressOf(f, BLOCK, 2));
    await expect(order()).rejects.toThrow(/input/);
    f.disk.syncDirectory = syncDirectory;
    await load(f, id(9), 8 as BlockId); // takes the only place in the file cache
    for (const n of [2, 3]) expect(await load(f, id(n))).toEqual(bytesOf(id(n)));
    await order();
    await f.server.remove(addressOf(f, BLOCK, 2), [id(3)]);
    for (let fate = 0; fate < 5; fate++) f.disk.crash(seededRandom(fate));
    const again = await openFixture(f.disk);
    expect(await load(again, id(2))).toEqual(bytesOf(id(2)));
    expect(await load(again, id(3))).toBe("missing");
  });

  test("below its reserve a device refuses appends, and serves the rest", async () => {
    const f = await openWithBlock({ reserveBytes: 50_000 });
    await store(f, id(1));
    f.disk.leaveFree(40_000);
    f.clock.advance(1000);
    expect(await store(f, id(2))).toBe("full");
    expect((await f.server.devices())[0]?.state).toBe("full");
    expect(await load(f, id(1))).toEqual(bytesOf(id(1)));
    await f.server.remove(addressOf(f), [id(1)]);
    expect(await load(f, id(1))).toBe("missing");
    f.disk.leaveFree(10 ** 9);
    f.clock.advance(1000);
    expect(await store(f, id(2))).toBe("stored");
  });

  test("a disk without any room answers full, and keeps what it has", async () => {
    const f = await openWithBlock({ extendBytes: 0 });
    await store(f, id(1), addressOf(f), bytesOf(id(1), 1000));
    f.disk.leaveFree(5000);
    expect(await store(f, id(2), addressOf(f), bytesOf(id(2), 8000))).toBe("full");
    expect(await store(f, id(3), addressOf(f), bytesOf(id(3), 1000))).toBe("stored");
    f.disk.crash(seededRandom(3));
    const again = await openFixture(f.disk);
    expect(await listed(again)).toEqual([id(1), id(3)]);
    expect(await load(again, id(3))).toEqual(bytesOf(id(3), 1000));
  });
});
