/**
 * What stands before the bytes of a bare needle, so that it tells all of itself, also where pieces are
 * padded and where no metadata is at hand. Before those of a list it is the same.
 *
 *      0  magic      u32   0x44494651 ("QFID")
 *      4  version    u32   1
 *      8  length     u32   bytes behind this head
 *     12  CRC32C     u32   of these bytes
 *     16  bucket     u64   the id of the bucket that it was stored for
 *     24  stored     u64   when, in milliseconds since 1970
 *     32  bytes            zeros behind them, up to a multiple of k, when the block is split
 *
 * Little-endian. Checksums of the needle cover it as they cover the bytes.
 */
import { crc32c } from "../../base/checksum.ts";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";

export const HEAD_BYTES = 32;
/** Content that one bare needle can hold. */
export const BARE_BYTES: number = limits.chunkBytes - HEAD_BYTES;
const MAGIC = 0x44494651;
const VERSION = 1;

export interface FidHead {
  readonly lengthBytes: number;
  readonly crc32c: number;
  readonly bucketId: number;
  readonly storedMs: number;
}

/** Writes the head of the bytes that stand in `needle` behind it. */
export function putHead(needle: Buffer, of: Pick<FidHead, "bucketId" | "storedMs">): void {
  const content = needle.subarray(HEAD_BYTES);
  needle.writeUInt32LE(MAGIC, 0);
  needle.writeUInt32LE(VERSION, 4);
  needle.writeUInt32LE(content.length, 8);
  needle.writeUInt32LE(crc32c(content), 12);
  needle.writeBigUInt64LE(BigInt(of.bucketId), 16);
  needle.writeBigUInt64LE(BigInt(Math.trunc(of.storedMs)), 24);
}

/** @throws QuarryError `Damaged` when no head stands there; `NewerFormat`. */
export function headOf(needle: Uint8Array): FidHead {
  const bytes = Buffer.from(needle.buffer, needle.byteOffset, needle.length);
  if (bytes.length < HEAD_BYTES || bytes.readUInt32LE(0) !== MAGIC)
    throw new QuarryError("Damaged", "a needle that is no file was found under the name of one");
  if (bytes.readUInt32LE(4) !== VERSION)
    throw new QuarryError(
      "NewerFormat",
      "the file was stored by a later version: update this program",
    );
  return {
    lengthBytes: bytes.readUInt32LE(8),
    crc32c: bytes.readUInt32LE(12),
    bucketId: Number(bytes.readBigUInt64LE(16)),
    storedMs: Number(bytes.readBigUInt64LE(24)),
  };
}
