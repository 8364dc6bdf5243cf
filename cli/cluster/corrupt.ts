/** Flips bits in the block files of a device, as a disk that rots does: which ones follows from a seed. */
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { QuarryError } from "../../base/errors.ts";
import { type Random, seededRandom } from "../../base/random.ts";

const STEP_BYTES = 64 * 1024;

export interface Flip {
  readonly file: string;
  readonly offset: number;
  /** 0 is the lowest. */
  readonly bit: number;
}

interface Written {
  readonly file: string;
  /** Zeros at the end are room made ahead, and no part of it. */
  readonly lengthBytes: number;
}

/** Whoever serves the device may be running: it is told nothing. */
export async function flipBits(
  device: string,
  { flips, seed }: { readonly flips: number; readonly seed: number },
): Promise<Flip[]> {
  const random = seededRandom(seed);
  const written = await writtenIn(device);
  const totalBytes = written.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  if (totalBytes === 0)
    throw new QuarryError("InvalidArgument", `${device} holds no block yet: nothing to corrupt`);
  const done: Flip[] = [];
  for (let n = 0; n < flips; n++) {
    const flip = chosen(written, totalBytes, random);
    await flipIn(device, flip);
    done.push(flip);
  }
  return done;
}

function chosen(written: readonly Written[], totalBytes: number, random: Random): Flip {
  let offset = Math.floor((random.u32() / 2 ** 32 + random.u32() / 2 ** 64) * totalBytes);
  const bit = random.u32() % 8;
  for (const { file, lengthBytes } of written) {
    if (offset < lengthBytes) return { file, offset, bit };
    offset -= lengthBytes;
  }
  const last = written.at(-1);
  return { file: last?.file ?? "", offset: (last?.lengthBytes ?? 1) - 1, bit };
}

export async function flipIn(device: string, { file, offset, bit }: Flip): Promise<void> {
  await using handle = await open(join(device, file), "r+");
  const one = Buffer.alloc(1);
  await handle.read(one, 0, 1, offset);
  one[0] = (one[0] ?? 0) ^ (1 << bit);
  await handle.write(one, 0, 1, offset);
}

async function writtenIn(device: string): Promise<Written[]> {
  const names = await readdir(device).catch(() => []); // who never ran has no folder yet
  const written: Written[] = [];
  for (const file of names.filter((name) => /\.block(\.g\d+)?$/.test(name)).sort()) {
    await using handle = await open(join(device, file), "r");
    const lengthBytes = await writtenBytes(handle, (await stat(join(device, file))).size);
    if (lengthBytes > 0) written.push({ file, lengthBytes });
  }
  return written;
}

async function writtenBytes(handle: FileHandle, sizeBytes: number): Promise<number> {
  const step = Buffer.alloc(STEP_BYTES);
  for (let end = sizeBytes; end > 0; ) {
    const from = Math.max(0, end - STEP_BYTES);
    const { bytesRead } = await handle.read(step, 0, end - from, from);
    const last = step.subarray(0, bytesRead).findLastIndex((byte) => byte !== 0);
    if (last >= 0) return from + last + 1;
    end = from;
  }
  return 0;
}
