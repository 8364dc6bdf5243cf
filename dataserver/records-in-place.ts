/**
 * Records of needles where they stand in a larger buffer: checked, sealed for another place, or made
 * around data that is there already. No object and no view for any of them but of the data; a block may
 * hold a million. The format is record.ts's.
 */
import { crc32c, crc32cWithin } from "../base/checksum.ts";
import type { BlockId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { spanCount, spanSeed } from "../rpc/needle-checksums.ts";
import {
  footerBytes,
  HEADER_BYTES,
  HEADER_CRC_AT,
  KINDS,
  RECORD_MAGIC,
  recordBytes,
  seedAt,
  sumWithin,
} from "./record.ts";

const SPAN = limits.checksumSpanBytes;

/** The file that a record stands in. */
export interface RecordSeed {
  readonly block: BlockId;
  /** `seedOfBlock` of its superblock. */
  readonly seed: number;
}

/** Which needle is expected. */
export interface NeedleRow {
  readonly low: number;
  readonly high: number;
  readonly lengthBytes: number;
}

/** True when the whole record of this needle is at `at` of `bytes`, which is `offset` of the file. */
export function isNeedleAt(
  bytes: Buffer,
  at: number,
  { block, seed }: RecordSeed,
  offset: number,
  { low, high, lengthBytes }: NeedleRow,
): boolean {
  if (at + recordBytes(lengthBytes) > bytes.length) return false;
  if (bytes.readUInt16LE(at) !== RECORD_MAGIC || bytes[at + 2] !== KINDS.needle) return false;
  if (bytes.readUInt32LE(at + 4) !== lengthBytes) return false;
  if (bytes.readUInt32LE(at + 8) !== low || bytes.readUInt32LE(at + 12) !== high) return false;
  const headCrc = bytes.readUInt32LE(at + HEADER_CRC_AT);
  if (crc32cWithin(bytes, at, at + HEADER_CRC_AT, seedAt(seed, offset)) !== headCrc) return false;
  const dataAt = at + HEADER_BYTES;
  const footAt = dataAt + lengthBytes;
  const crcAt = footAt + footerBytes(lengthBytes) - 4;
  if (sumWithin(bytes, footAt, crcAt, headCrc) !== bytes.readUInt32LE(crcAt)) return false;
  const spans = spanCount(lengthBytes);
  const sumsAt = crcAt - 4 - spans * 4;
  const dataSeed = spanSeed(block, low, high, lengthBytes);
  for (let i = 0; i < spans; i++) {
    const from = dataAt + i * SPAN;
    const data = bytes.subarray(from, Math.min(from + SPAN, footAt));
    if (crc32c(data, dataSeed) !== bytes.readUInt32LE(sumsAt + i * 4)) return false;
  }
  return true;
}

/** Seals the record at `at`, which is good, for `offset` of another file, where nothing is synced yet. */
export function sealAnew(
  bytes: Buffer,
  at: number,
  seed: number,
  offset: number,
  lengthBytes: number,
): void {
  const headCrc = crc32cWithin(bytes, at, at + HEADER_CRC_AT, seedAt(seed, offset));
  bytes.writeUInt32LE(headCrc, at + HEADER_CRC_AT);
  const footAt = at + HEADER_BYTES + lengthBytes;
  const crcAt = footAt + footerBytes(lengthBytes) - 4;
  bytes.writeUInt32LE(0, crcAt - 4);
  bytes.writeUInt32LE(sumWithin(bytes, footAt, crcAt, headCrc), crcAt);
}

/**
 * Makes the record of a needle whose data stands at `at` + 32 of `bytes` already, for `offset` of the
 * file. `like` + `likeAt` is a record of the same needle at another member: its owner is taken from it.
 */
export function sealAround(
  bytes: Buffer,
  at: number,
  { block, seed }: RecordSeed,
  offset: number,
  { low, high, lengthBytes }: NeedleRow,
  like: Buffer,
  likeAt: number,
): void {
  like.copy(bytes, at, likeAt, likeAt + HEADER_CRC_AT);
  const dataAt = at + HEADER_BYTES;
  const footAt = dataAt + lengthBytes;
  const crcAt = footAt + footerBytes(lengthBytes) - 4;
  const spans = spanCount(lengthBytes);
  const sumsAt = crcAt - 4 - spans * 4;
  const dataSeed = spanSeed(block, low, high, lengthBytes);
  for (let i = footAt; i < sumsAt; i++) bytes[i] = 0;
  for (let i = 0; i < spans; i++) {
    const from = dataAt + i * SPAN;
    const sum = crc32c(bytes.subarray(from, Math.min(from + SPAN, footAt)), dataSeed);
    bytes.writeUInt32LE(sum, sumsAt + i * 4);
  }
  sealAnew(bytes, at, seed, offset, lengthBytes);
}
