import { expect, test } from "vitest";
import type { Disk, DiskFile } from "../base/disk.ts";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import { FileCache } from "./file-cache.ts";

/** A disk that counts open handles. */
function counting(): { disk: Disk; open: () => number; opened: () => number } {
  const inner = new SimulatedDisk();
  for (let i = 0; i < 10; i++) inner.plant(`/d/${i}`, Buffer.from([i]));
  let open = 0;
  let opened = 0;
  const disk = Object.create(inner) as Disk;
  disk.open = async (path, mode) => {
    const file = await inner.open(path, mode);
    open++;
    opened++;
    const close = async () => {
      open--;
      await file.close();
    };
    return { ...file, close } satisfies DiskFile;
  };
  return { disk, open: () => open, opened: () => opened };
}

const byte = async (file: DiskFile) => {
  const target = Buffer.alloc(1);
  await file.read(target, 0);
  return target[0];
};

test("keeps few handles open, the ones used last", async () => {
  const { disk, open, opened } = counting();
  const files = new FileCache(disk, 3);
  for (let i = 0; i < 10; i++) expect(await files.use(`/d/${i}`, byte)).toBe(i);
  expect(open()).toBeLessThanOrEqual(3);
  const before = opened();
  await files.use("/d/9", byte);
  expect(opened()).toBe(before);
  await files[Symbol.asyncDispose]();
  expect(open()).toBe(0);
});

test("a handle in use stays open, also when it is forgotten", async () => {
  const { disk, open } = counting();
  const files = new FileCache(disk, 1);
  await files.use("/d/1", async (file) => {
    for (let i = 2; i < 10; i++) await files.use(`/d/${i}`, byte);
    await files.forget("/d/1");
    expect(await byte(file)).toBe(1);
  });
  await files[Symbol.asyncDispose]();
  expect(open()).toBe(0);
});

test("a file that cannot be opened is tried again", async () => {
  const disk = new SimulatedDisk();
  const files = new FileCache(disk, 3);
  await expect(files.use("/d/x", byte)).rejects.toThrow("ENOENT");
  disk.plant("/d/x", Buffer.from([5]));
  expect(await files.use("/d/x", byte)).toBe(5);
});
