import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DirectWriter, PAGE_BYTES, sliceOf } from "./direct-write.ts";
import { nodeDisk } from "./disk-node.ts";
import { limits } from "./limits.ts";
import { type Random, seededRandom } from "./random.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quarry-direct-"));
});
afterAll(async () => await rm(folder, { recursive: true }));

function partsOf(random: Random, lengthBytes: number): Buffer[] {
  const whole = random.bytes(lengthBytes);
  const parts: Buffer[] = [];
  for (let at = 0; at < lengthBytes; ) {
    const bytes =
      1 + (random.u32() % (random.u32() % 4 === 0 ? 100 : 3 * limits.directWindowBytes));
    parts.push(whole.subarray(at, at + bytes));
    at += bytes;
  }
  return parts;
}

test("slices are the bytes between two offsets", () => {
  const random = seededRandom(3);
  for (let round = 0; round < 200; round++) {
    const parts = Array.from({ length: 5 }, () => random.bytes(random.u32() % 9));
    const whole = Buffer.concat(parts);
    const from = random.u32() % (whole.length + 1);
    const to = from + (random.u32() % (whole.length - from + 1));
    expect(Buffer.concat(sliceOf(parts, from, to)).equals(whole.subarray(from, to))).toBe(true);
  }
});

test("long and short writes one behind the other give what was written, and nothing around it", async () => {
  const random = seededRandom(9);
  const path = join(folder, "appended");
  await using file = await nodeDisk.open(path, "create");
  const expected: Buffer[] = [];
  let at = 0;
  for (let round = 0; round < 30; round++) {
    const isLong = random.u32() % 3 > 0;
    const bytes = isLong ? limits.directBytes + (random.u32() % (5 << 20)) : random.u32() % 9000;
    const parts = partsOf(random, bytes);
    await file.write(parts, at);
    at += bytes;
    expected.push(...parts);
    if (round % 7 === 0) await file.sync();
    expect(await file.lengthBytes()).toBe(at);
  }
  await file.sync();
  expect(readFileSync(path).equals(Buffer.concat(expected))).toBe(true);
});

test("files written at the same time do not share a window", async () => {
  const random = seededRandom(4);
  const writeOne = async (name: number) => {
    const parts = partsOf(random, 9 << 20);
    await using file = await nodeDisk.open(join(folder, `beside-${name}`), "create");
    await file.write(parts, 24);
    const back = Buffer.alloc(9 << 20);
    await file.read(back, 24);
    return back.equals(Buffer.concat(parts));
  };
  const all = await Promise.all(Array.from({ length: 9 }, (_, name) => writeOne(name)));
  expect(all).toEqual(all.map(() => true));
});

test("what was cached before is not read again", async () => {
  await using file = await nodeDisk.open(join(folder, "cached"), "create");
  const bytes = 4 << 20;
  await file.write([Buffer.alloc(bytes, "old")], 0);
  const back = Buffer.alloc(bytes);
  await file.read(back, 0);
  await file.write([Buffer.alloc(bytes - 100, "new")], 50);
  await file.read(back, 0);
  expect(back.subarray(50, bytes - 50).equals(Buffer.alloc(bytes - 100, "new"))).toBe(true);
  expect(back.subarray(0, 50).equals(Buffer.alloc(50, "old"))).toBe(true);
});

test("a file that has another name by then is the same file", async () => {
  const path = join(folder, "before");
  await using file = await nodeDisk.open(path, "create");
  await rename(path, join(folder, "after"));
  writeFileSync(path, "another");
  await file.write([Buffer.alloc(1 << 20, "x")], 0);
  expect(readFileSync(path).toString()).toBe("another");
  expect(readFileSync(join(folder, "after"))).toHaveLength(1 << 20);
});

test("what the system does not take is left to the other way", async () => {
  const fd = openSync(join(folder, "refused"), "w+");
  const writer = new DirectWriter(fd);
  expect(await writer.write([Buffer.alloc(PAGE_BYTES)], 1, PAGE_BYTES)).toBe(0);
  await writer.close();
  closeSync(fd);
});
