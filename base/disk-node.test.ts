import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeDisk } from "./disk-node.ts";

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
