/**
 * Reads a block file that was made anew from its first byte to its last, and holds it against what was
 * meant to be in it: every record where it should be, every checksum (INV-7).
 */
import { payloadPool } from "../../base/buffer-pool.ts";
import type { DiskFile } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { recordBytes, seedOfBlock } from "../record.ts";
import { isNeedleAt } from "../records-in-place.ts";
import { encodeSuperblock, SUPERBLOCK_BYTES, type Superblock } from "../superblock.ts";
import { walk } from "../walk.ts";
import type { Making } from "./making.ts";

export interface MadeFile {
  readonly file: DiskFile;
  readonly superblock: Superblock;
  readonly fileBytes: number;
  /** Behind the needles, before the seal. */
  readonly tombstones: number;
}

/** @throws QuarryError `Damaged`. */
export async function readBack(
  made: MadeFile,
  making: Making,
  spend: (bytes: number) => Promise<void>,
): Promise<void> {
  const { file, superblock } = made;
  const head = Buffer.alloc(SUPERBLOCK_BYTES);
  await file.read(head, 0);
  if (!head.equals(encodeSuperblock(superblock))) throw wrong(file, 0);
  let offset = SUPERBLOCK_BYTES;
  const { order } = making;
  for (let from = 0; from < order.length; ) {
    const [to, endBytes] = reach(making, from, offset);
    await spend(endBytes - offset);
    await checkNeedles(made, making, order.subarray(from, to), offset, endBytes);
    [from, offset] = [to, endBytes];
  }
  await checkEnd(made, offset);
}

/** The next rows that are read at once, and where they end. */
function reach(making: Making, from: number, offset: number): readonly [number, number] {
  const { order, plan } = making;
  let to = from;
  let end = offset;
  while (to < order.length) {
    const next = recordBytes(plan.lengths[order[to] ?? 0] ?? 0);
    if (to > from && end + next - offset > limits.copyBytes) break;
    end += next;
    to++;
  }
  return [to, end];
}

async function checkNeedles(
  { file, superblock }: MadeFile,
  making: Making,
  rows: Uint32Array,
  offset: number,
  endBytes: number,
): Promise<void> {
  const bytes = payloadPool.take(endBytes - offset);
  try {
    if ((await file.read(bytes, offset)) < bytes.length) throw wrong(file, offset);
    const here = { block: superblock.block, seed: seedOfBlock(superblock) };
    let at = 0;
    for (const row of rows) {
      const needle = making.needleOf(row);
      const place = offset + at;
      if (making.placeOf(row) !== place || !isNeedleAt(bytes, at, here, place, needle))
        throw wrong(file, place);
      at += recordBytes(needle.lengthBytes);
    }
  } finally {
    payloadPool.give(bytes);
  }
}

async function checkEnd(
  { file, superblock, fileBytes, tombstones }: MadeFile,
  from: number,
): Promise<void> {
  const options = { file, block: superblock.block, seed: seedOfBlock(superblock) };
  let left = tombstones;
  let isSealed = false;
  for await (const { bad, header, offset } of walk({ ...options, from, to: fileBytes })) {
    const isGood = bad.length === 0 && !isSealed;
    if (isGood && header?.kind === "tombstone" && left > 0) left--;
    else if (isGood && header?.kind === "seal" && left === 0) isSealed = true;
    else throw wrong(file, offset);
  }
  if (!isSealed) throw wrong(file, fileBytes);
}

const wrong = ({ path }: DiskFile, offset: number) =>
  new QuarryError("Damaged", `${path} was read back with errors at ${offset}`);
