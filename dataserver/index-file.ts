/**
 * `NNNNNNNN.index`: a checkpoint of a block's index, so that a start need not read the block. It
 * can always be made anew from the block.
 *
 *      0  magic           8 B   "QUARRYIX"
 *      8  format          u16   1
 *     10  sealed          u8    0 or 1
 *     11  zero            u8
 *     12  rows            u32
 *     16  damaged ranges  u32
 *     20  zero            u32
 *     24  covers          u64   the rows speak for the block's bytes before this offset
 *     32  superblock      64 B  a copy of the block's
 *     96  body CRC32C     u32   of everything from byte 104 on
 *    100  header CRC32C   u32   of bytes 0 … 99
 *    104  damaged ranges        (offset u64, length u64) each
 *         columns               id high, id low, offset / 8 (0: removed), length: u32 each, by id
 *
 * Little-endian. The columns are used where they were read, without a copy.
 */
import { crc32c } from "../base/checksum.ts";
import type { Disk } from "../base/disk.ts";
import { readWhole } from "../base/disk.ts";
import { QuarryError } from "../base/errors.ts";
import type { IndexRows } from "./needle-index.ts";
import type { Damage } from "./report.ts";
import {
  decodeSuperblock,
  encodeSuperblock,
  SUPERBLOCK_BYTES,
  type Superblock,
} from "./superblock.ts";

const MAGIC = Buffer.from("QUARRYIX");
const FORMAT = 1;
const BODY_AT = 104;

export interface Checkpoint {
  readonly superblock: Superblock;
  readonly sealed: boolean;
  readonly coversBytes: number;
  readonly damage: readonly Damage[];
  /** Sorted by id. */
  readonly rows: IndexRows;
}

export function encodeCheckpoint(checkpoint: Checkpoint): Buffer[] {
  const { rows, damage } = checkpoint;
  const ranges = Buffer.alloc(damage.length * 16);
  damage.forEach((one, i) => {
    ranges.writeBigUInt64LE(BigInt(one.offset), i * 16);
    ranges.writeBigUInt64LE(BigInt(one.lengthBytes), i * 16 + 8);
  });
  // A copy: needles may be removed while it is written.
  const columns = Buffer.concat(
    [rows.high, rows.low, rows.offset8, rows.lengths].map((column) =>
      Buffer.from(column.buffer, column.byteOffset, column.byteLength),
    ),
  );
  const head = Buffer.alloc(BODY_AT);
  MAGIC.copy(head);
  head.writeUInt16LE(FORMAT, 8);
  head.writeUInt8(checkpoint.sealed ? 1 : 0, 10);
  head.writeUInt32LE(rows.count, 12);
  head.writeUInt32LE(damage.length, 16);
  head.writeBigUInt64LE(BigInt(checkpoint.coversBytes), 24);
  encodeSuperblock(checkpoint.superblock).copy(head, 32);
  head.writeUInt32LE(crc32c(columns, crc32c(ranges)), 96);
  head.writeUInt32LE(crc32c(head.subarray(0, 100)), 100);
  return [head, ranges, columns];
}

/** The checkpoint, or undefined when the bytes are damaged. Throws `NewerFormat`. */
export function decodeCheckpoint(bytes: Buffer, path: string): Checkpoint | undefined {
  if (bytes.length < BODY_AT || !MAGIC.equals(bytes.subarray(0, 8))) return undefined;
  if (crc32c(bytes.subarray(0, 100)) !== bytes.readUInt32LE(100)) return undefined;
  if (bytes.readUInt16LE(8) > FORMAT)
    throw new QuarryError(
      "NewerFormat",
      `${path} was written by a newer version of Quarry; install that version`,
    );
  const count = bytes.readUInt32LE(12);
  const damageCount = bytes.readUInt32LE(16);
  const columnsAt = BODY_AT + damageCount * 16;
  if (bytes.length !== columnsAt + count * 16) return undefined;
  if (crc32c(bytes.subarray(BODY_AT)) !== bytes.readUInt32LE(96)) return undefined;
  const superblock = decodeSuperblock(bytes.subarray(32, 32 + SUPERBLOCK_BYTES), path);
  if (superblock === undefined) return undefined;
  const damage = Array.from({ length: damageCount }, (_, i) => ({
    offset: Number(bytes.readBigUInt64LE(BODY_AT + i * 16)),
    lengthBytes: Number(bytes.readBigUInt64LE(BODY_AT + i * 16 + 8)),
  }));
  const column = (i: number) =>
    new Uint32Array(bytes.buffer, bytes.byteOffset + columnsAt + i * count * 4, count);
  return {
    superblock,
    sealed: bytes.readUInt8(10) === 1,
    coversBytes: Number(bytes.readBigUInt64LE(24)),
    damage,
    rows: { count, high: column(0), low: column(1), offset8: column(2), lengths: column(3) },
  };
}

/** The checkpoint at `path`; `missing` when there is none, `damaged` when it cannot be used. */
export async function readCheckpoint(
  disk: Disk,
  path: string,
): Promise<Checkpoint | "missing" | "damaged"> {
  if (!(await disk.exists(path))) return "missing";
  return decodeCheckpoint(await readWhole(disk, path), path) ?? "damaged";
}

/**
 * Writes a checkpoint. The block must be synced up to what it covers. A crash leaves the old one
 * or the new one; which does not matter, so the folder is not synced.
 */
export async function writeCheckpoint(
  disk: Disk,
  path: string,
  checkpoint: Checkpoint,
): Promise<void> {
  const beside = `${path}.new`;
  await disk.remove(beside);
  {
    await using file = await disk.open(beside, "create");
    await file.write(encodeCheckpoint(checkpoint), 0);
    await file.sync();
  }
  await disk.rename(beside, path);
}
