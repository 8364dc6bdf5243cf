import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { systemClock } from "./clock.ts";
import { nodeDisk } from "./disk-node.ts";
import { limits } from "./limits.ts";
import { seededRandom } from "./random.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quarry-disk-"));
});
afterAll(async () => await rm(folder, { recursive: true }));

test("a folder is made with those above it, for its owner only, and again does no harm", async () => {
  const deep = join(folder, "a", "b", "c");
  await Promise.all([nodeDisk.makeDirectory(deep), nodeDisk.makeDirectory(deep)]);
  await nodeDisk.makeDirectory(deep);
  expect((await stat(join(folder, "a"))).mode & 0o777).toBe(0o700);
});

test("many may make a folder at once, and those above it", async () => {
  for (let round = 0; round < 100; round++) {
    const deep = join(folder, String(round), "b", "c", "d");
    const all = [deep, dirname(deep), deep, join(deep, "e"), dirname(dirname(deep)), deep];
    await Promise.all(all.map((one) => nodeDisk.makeDirectory(one)));
  }
});

test("a file is no folder", async () => {
  await writeFile(join(folder, "file"), "");
  await expect(nodeDisk.makeDirectory(join(folder, "file"))).rejects.toThrow(/EEXIST/);
  await expect(nodeDisk.makeDirectory(join(folder, "file", "x"))).rejects.toThrow(/ENOTDIR/);
});

test.runIf(existsSync("/proc/self"))("where no folder can be made, that is said", async () => {
  await expect(nodeDisk.makeDirectory("/proc/nope/a/b")).rejects.toThrow(/ENOENT|EACCES|EPERM/);
});

test("what is written through is in the file, also when its name is another's by now", async () => {
  const path = join(folder, "through");
  await using file = await nodeDisk.open(path, "create");
  await file.write([Buffer.from("before")], 0);
  await nodeDisk.rename(path, `${path}.kept`);
  await writeFile(path, "another");
  await file.writeThrough([Buffer.from("th"), Buffer.from("rough")], 2);
  const large = Buffer.alloc(1024 * 1024, "x");
  await file.writeThrough([large, Buffer.from("end")], 9);
  const kept = await readFile(`${path}.kept`);
  expect(kept.subarray(0, 10).toString()).toBe("bethroughx");
  expect(kept.subarray(-4).toString()).toBe("xend");
  expect((await readFile(path)).toString()).toBe("another");
});

describe("reads", () => {
  const content = seededRandom(5).bytes(3 * limits.readWindowBytes + 5);
  let nowMs = 0;
  let stepMs = 0;
  let looks = 0;
  let fsRead = 0;
  beforeAll(async () => {
    await writeFile(join(folder, "content"), content);
    vi.spyOn(systemClock, "monotonicMs").mockImplementation(() => {
      looks++;
      nowMs += stepMs;
      return nowMs;
    });
    const usage = process.resourceUsage();
    vi.spyOn(process, "resourceUsage").mockImplementation(() => ({ ...usage, fsRead }));
  });
  afterAll(() => vi.restoreAllMocks());

  /** How many of these reads began in place: those look at the clock. */
  async function inPlace(reads: number, lengthBytes = 4096): Promise<number> {
    await using file = await nodeDisk.open(join(folder, "content"), "read");
    let count = 0;
    for (let i = 0; i < reads; i++) {
      const before = looks;
      const target = Buffer.alloc(lengthBytes);
      expect(await file.read(target, i)).toBe(lengthBytes);
      expect(target.equals(content.subarray(i, i + lengthBytes))).toBe(true);
      if (looks > before) count++;
    }
    return count;
  }

  test("give what is there, however much, wherever it ends, and when a step is slow", async () => {
    const window = limits.readWindowBytes;
    for (stepMs of [0, 1]) {
      await using file = await nodeDisk.open(join(folder, "content"), "read");
      for (const lengthBytes of [1, 131_072, 131_073, window, window + 40, 2 * window, 4 * window])
        for (const offset of [0, 7, 2 * window, content.length - 3, content.length, 9 * window]) {
          const target = Buffer.alloc(lengthBytes, "?");
          const wanted = content.subarray(offset, offset + lengthBytes);
          expect(await file.read(target, offset)).toBe(wanted.length);
          expect(target.subarray(0, wanted.length).equals(wanted)).toBe(true);
        }
    }
  });

  test("are done in place unless the disk was read for it", async () => {
    stepMs = 0;
    await inPlace(300);
    expect(await inPlace(10, limits.readWindowBytes)).toBe(10);
    stepMs = 1;
    fsRead++;
    expect(await inPlace(1)).toBe(1);
    stepMs = 0;
    expect(await inPlace(257)).toBe(1);
  });

  test("go on in place soon when one was slow without the disk, and rest when that goes on", async () => {
    stepMs = 0;
    await inPlace(300);
    stepMs = 1;
    expect(await inPlace(1)).toBe(1);
    stepMs = 0;
    expect(await inPlace(3)).toBe(1);
    expect(await inPlace(100)).toBe(100);
    stepMs = 1;
    await inPlace(600);
    expect(await inPlace(258)).toBeLessThan(3);
  });
});
