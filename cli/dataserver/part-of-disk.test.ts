import { mkdtempDisposable, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeDisk } from "../../base/disk-node.ts";
import { partOfDisk } from "./part-of-disk.ts";

const MiB = 1024 * 1024;

test("what lies in the folder counts by its length, up to the capacity and no further", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "quarry-part-"));
  const disk = partOfDisk(nodeDisk, 10 * MiB);
  const file = join(folder.path, "some");
  const room = async () => await disk.space(folder.path);
  expect(await room()).toEqual({ totalBytes: 10 * MiB, freeBytes: 10 * MiB });
  await writeFile(file, Buffer.alloc(MiB));
  expect(await room()).toEqual({ totalBytes: 10 * MiB, freeBytes: 9 * MiB });
  await truncate(file, 12 * MiB);
  expect(await room()).toEqual({ totalBytes: 10 * MiB, freeBytes: 0 });
});

test("a capacity beyond the disk is the disk's", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "quarry-part-"));
  const whole = await nodeDisk.space(folder.path);
  const { totalBytes } = await partOfDisk(nodeDisk, whole.totalBytes * 2).space(folder.path);
  expect(totalBytes).toBe(whole.totalBytes);
});
