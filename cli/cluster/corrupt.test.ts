import { cp, mkdir, mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { flipBits } from "./corrupt.ts";

test("bits are flipped in what was written, the same ones for the same seed", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "quarry-corrupt-"));
  const before = Buffer.concat([Buffer.alloc(70_000, 0xff), Buffer.alloc(200_000)]);
  const device = join(folder.path, "device");
  const copy = join(folder.path, "copy");
  await mkdir(device);
  await writeFile(join(device, "00000001.block"), before);
  await writeFile(join(device, "00000001.index"), before);
  await cp(device, copy, { recursive: true });

  const flips = await flipBits(device, { flips: 40, seed: 3 });
  expect(flips).toHaveLength(40);
  for (const { file, offset } of flips) {
    expect(file).toBe("00000001.block");
    expect(offset).toBeLessThan(70_000);
  }
  const expected = Buffer.from(before);
  for (const { offset, bit } of flips) expected[offset] = expected[offset]! ^ (1 << bit);
  expect((await readFile(join(device, "00000001.block"))).equals(expected)).toBe(true);
  expect((await readFile(join(device, "00000001.index"))).equals(before)).toBe(true);

  expect(await flipBits(copy, { flips: 40, seed: 3 })).toEqual(flips);
  expect(await flipBits(copy, { flips: 40, seed: 4 })).not.toEqual(flips);
});

test("where no block is, nothing can be flipped", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "quarry-corrupt-"));
  for (const device of [folder.path, join(folder.path, "absent")])
    await expect(flipBits(device, { flips: 1, seed: 1 })).rejects.toThrow(/no block yet/);
});
