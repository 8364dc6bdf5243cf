import { readFileSync } from "node:fs";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { payloadPool } from "./buffer-pool.ts";
import type { DiskFile } from "./disk.ts";
import { nodeDisk } from "./disk-node.ts";
import { limits } from "./limits.ts";
import { seededRandom } from "./random.ts";
import { readOnce } from "./read-once.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quarry-once-"));
});
afterAll(async () => await rm(folder, { recursive: true }));

test("long and short reads anywhere give what was written, synced or not, and end with the file", async () => {
  const random = seededRandom(4);
  const whole = random.bytes(5_000_001);
  const path = join(folder, "whole");
  await using file = await nodeDisk.open(path, "create");
  for (let at = 0; at < whole.length; ) {
    const bytes = 1 + (random.u32() % (random.u32() % 2 === 0 ? 5_000 : 2_000_000));
    await file.write([whole.subarray(at, at + bytes)], at);
    at += bytes;
  }
  expect(readFileSync(path).equals(whole)).toBe(true);
  for (let round = 0; round < 60; round++) {
    if (round === 30) await file.sync();
    const offset = random.u32() % (whole.length + 10_000);
    const lengthBytes = random.u32() % (random.u32() % 3 === 0 ? 5_000 : 4_000_000);
    const bytes = await readOnce(file, offset, lengthBytes);
    expect(bytes.equals(whole.subarray(offset, offset + lengthBytes))).toBe(true);
    payloadPool.give(bytes);
  }
});

test("what was only written is read, and a file that has another name by then", async () => {
  const path = join(folder, "before");
  await using file = await nodeDisk.open(path, "create");
  await file.write([Buffer.alloc(limits.directBytes, "a")], 0, true);
  expect((await readOnce(file, 0, limits.directBytes)).at(-1)).toBe("a".charCodeAt(0));
  await rename(path, join(folder, "after"));
  await file.write([Buffer.alloc(10, "b")], 5, true);
  const bytes = await readOnce(file, 1, limits.directBytes);
  expect(bytes).toHaveLength(limits.directBytes - 1);
  expect(bytes.subarray(0, 20).toString()).toBe("aaaabbbbbbbbbbaaaaaa");
});

test("what cannot be read past the cache is read as ever", async () => {
  const read = async (target: Uint8Array) => {
    target.fill(7);
    return 3;
  };
  const refusing: Pick<DiskFile, "read" | "readDirect"> = {
    read,
    readDirect: async () => undefined,
  };
  for (const file of [{ read }, refusing])
    expect([...(await readOnce(file, 0, limits.directBytes))]).toEqual([7, 7, 7]);
});

test("a failed read is told, whichever way it went", async () => {
  const fails = async () => {
    throw new Error("the disk cannot");
  };
  await expect(readOnce({ read: fails }, 0, 10)).rejects.toThrow("the disk cannot");
  const file = { read: async () => 0, readDirect: fails };
  await expect(readOnce(file, 0, limits.directBytes)).rejects.toThrow("the disk cannot");
});
