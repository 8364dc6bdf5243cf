/**
 * One record of a block file: a needle, a tombstone, a seal or a mark. It stands at a multiple of 8.
 *
 *     header    0  magic        u16   0x4e51 ("QN")
 *               2  kind         u8    1 needle, 2 tombstone, 3 seal, 4 mark
 *               3  zero         u8
 *               4  length       u32   bytes of data; 0 unless a needle
 *               8  needle id    u64   0 for seal and mark
 *              16  owner blob   u64   0 = free
 *              24  owner chunk  u32
 *              28  CRC32C       u32   of bytes 0 … 27, seeded
 *     data     32  `length` bytes
 *     footer       zeros so that the record ends at a multiple of 8
 *                  CRC32C       u32   one for each 64 KiB of data (rpc/needle-checksums.ts)
 *                  synced       u32   in units of 8 bytes: what was on the disk before this record
 *                  CRC32C       u32   of the footer so far, seeded with the header's CRC
 *
 * The header's seed mixes block, generation, the block's random salt and the record's own offset:
 * nothing that a user stores, and no record that stands elsewhere, passes for a record here.
 * Little-endian; every byte is under exactly one checksum.
 */
import { crc32c, crc32cWithin } from "../base/checksum.ts";
import { assert } from "../base/errors.ts";
import type { BlobId, NeedleId } from "../base/ids.ts";
import { spanCount } from "../rpc/needle-checksums.ts";
import type { Superblock } from "./superblock.ts";

export const HEADER_BYTES = 32;
export const RECORD_MAGIC = 0x4e51;
export const HEADER_CRC_AT = 28;
export const KINDS = { needle: 1, tombstone: 2, seal: 3, mark: 4 } as const;
export type RecordKind = keyof typeof KINDS;
const kindOf: readonly (RecordKind | undefined)[] = [
  undefined,
  "needle",
  "tombstone",
  "seal",
  "mark",
];

export interface RecordHeader {
  readonly kind: RecordKind;
  readonly lengthBytes: number;
  readonly needle: NeedleId;
  readonly blob: BlobId;
  readonly chunk: number;
}

export interface RecordFooter {
  readonly checksums: Uint32Array;
  readonly syncedBytes: number;
}

/** Bytes from the end of the data to the end of the record. */
export function footerBytes(lengthBytes: number): number {
  return recordBytes(lengthBytes) - HEADER_BYTES - lengthBytes;
}

/** Bytes of a whole record with so much data. */
export function recordBytes(lengthBytes: number): number {
  return Math.ceil((HEADER_BYTES + lengthBytes + spanCount(lengthBytes) * 4 + 8) / 8) * 8;
}

/** Bytes of a tombstone, a seal or a mark. */
export const BARE_RECORD_BYTES = recordBytes(0);

/** What the header checksums of one generation of one block start from. */
export function seedOfBlock(of: Pick<Superblock, "block" | "generation" | "salt">): number {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32LE(of.block, 0);
  bytes.writeUInt32LE(of.generation, 4);
  bytes.writeUInt32LE(of.salt, 8);
  return crc32c(bytes);
}

/** What the header checksum of a record at `offset` starts from. */
export function seedAt(seed: number, offset: number): number {
  return (seed ^ Math.imul(offset / 8, 0x9e3779b1)) >>> 0;
}

/** Up to here a checksum is computed in place. */
const SHORT_BYTES = 64;

/** The checksum of a part of the bytes. */
export function sumWithin(bytes: Uint8Array, from: number, to: number, seed: number): number {
  return to - from <= SHORT_BYTES
    ? crc32cWithin(bytes, from, to, seed)
    : crc32c(bytes.subarray(from, to), seed);
}

/** Header and footer of a record that will stand at `offset`. */
export function encodeRecord(
  seed: number,
  offset: number,
  header: RecordHeader,
  footer: RecordFooter,
): { readonly head: Buffer; readonly foot: Buffer } {
  assert(offset % 8 === 0 && footer.syncedBytes % 8 === 0, "records stand at multiples of 8");
  const footLength = footerBytes(header.lengthBytes);
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + footLength);
  bytes.writeUInt16LE(RECORD_MAGIC, 0);
  bytes[2] = KINDS[header.kind];
  bytes[3] = 0;
  bytes.writeUInt32LE(header.lengthBytes, 4);
  bytes.writeBigUInt64LE(header.needle, 8);
  bytes.writeUInt32LE(header.blob >>> 0, 16);
  bytes.writeUInt32LE(Math.floor(header.blob / 2 ** 32), 20);
  bytes.writeUInt32LE(header.chunk, 24);
  const head = bytes.subarray(0, HEADER_BYTES);
  const headCrc = crc32cWithin(head, 0, HEADER_CRC_AT, seedAt(seed, offset));
  head.writeUInt32LE(headCrc, HEADER_CRC_AT);

  const foot = bytes.subarray(HEADER_BYTES);
  const sumsAt = footLength - 8 - footer.checksums.length * 4;
  foot.fill(0, 0, sumsAt);
  footer.checksums.forEach((sum, i) => {
    foot.writeUInt32LE(sum, sumsAt + i * 4);
  });
  foot.writeUInt32LE(footer.syncedBytes / 8, footLength - 8);
  foot.writeUInt32LE(sumWithin(foot, 0, footLength - 4, headCrc), footLength - 4);
  return { head, foot };
}

/** The header at `at` of `bytes`, which is `offset` of the file; undefined when it is none. */
export function decodeHeader(
  seed: number,
  offset: number,
  bytes: Buffer,
  at = 0,
): RecordHeader | undefined {
  if (bytes.length - at < HEADER_BYTES || bytes.readUInt16LE(at) !== RECORD_MAGIC) return undefined;
  const crc = crc32cWithin(bytes, at, at + HEADER_CRC_AT, seedAt(seed, offset));
  if (crc !== bytes.readUInt32LE(at + HEADER_CRC_AT)) return undefined;
  const kind = kindOf[bytes[at + 2] ?? 0];
  if (kind === undefined) return undefined;
  return {
    kind,
    lengthBytes: bytes.readUInt32LE(at + 4),
    needle: bytes.readBigUInt64LE(at + 8) as NeedleId,
    blob: (bytes.readUInt32LE(at + 16) + bytes.readUInt32LE(at + 20) * 2 ** 32) as BlobId,
    chunk: bytes.readUInt32LE(at + 24),
  };
}

/**
 * The footer in `foot` (its whole length) of the record whose header bytes are `head`; undefined
 * when damaged.
 */
export function decodeFooter(
  head: Buffer,
  foot: Buffer,
  lengthBytes: number,
): RecordFooter | undefined {
  const headCrc = head.readUInt32LE(HEADER_CRC_AT);
  const end = foot.length;
  if (sumWithin(foot, 0, end - 4, headCrc) !== foot.readUInt32LE(end - 4)) return undefined;
  const checksums = new Uint32Array(spanCount(lengthBytes));
  const sumsAt = end - 8 - checksums.length * 4;
  for (let i = 0; i < checksums.length; i++) checksums[i] = foot.readUInt32LE(sumsAt + i * 4);
  return { checksums, syncedBytes: foot.readUInt32LE(end - 8) * 8 };
}
