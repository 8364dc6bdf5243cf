/**
 * The checksums of a needle's data: one CRC32C for each span of 64 KiB, seeded with the CRC32C of
 * (block u32, needle u64, length u32, little-endian), so that bytes that are right but stand in the
 * wrong place are found too. The writer makes them, the member checks and stores them, the reader
 * verifies them: end to end.
 */
import { crc32c, crc32cWithin } from "../base/checksum.ts";
import { matchingSpans, mover } from "../base/fold/fold.ts";
import type { BlockId, NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";

const seedBytes = Buffer.alloc(16);
const SPAN = limits.checksumSpanBytes;

/** How many spans a needle of this length has; an empty one has none. */
export function spanCount(lengthBytes: number): number {
  return Math.ceil(lengthBytes / SPAN);
}

/** What the checksums of a needle's data start from; its id in halves. */
export function spanSeed(block: BlockId, low: number, high: number, lengthBytes: number): number {
  seedBytes.writeUInt32LE(block, 0);
  seedBytes.writeUInt32LE(low, 4);
  seedBytes.writeUInt32LE(high, 8);
  seedBytes.writeUInt32LE(lengthBytes, 12);
  return crc32cWithin(seedBytes, 0, seedBytes.length);
}

const seedOf = (block: BlockId, needle: NeedleId, lengthBytes: number) =>
  spanSeed(block, Number(needle & 0xffffffffn), Number(needle >> 32n), lengthBytes);

/** Checksums of the whole data of a needle. */
export function needleChecksums(block: BlockId, needle: NeedleId, data: Uint8Array): Uint32Array {
  const seed = seedOf(block, needle, data.length);
  const sums = new Uint32Array(spanCount(data.length));
  for (let i = 0; i < sums.length; i++)
    sums[i] = crc32c(data.subarray(i * SPAN, (i + 1) * SPAN), seed);
  return sums;
}

let moveSpan: ((state: number) => number) | undefined;

/** CRC32C of the whole data by itself, from its checksums: what a span before others adds is only moved. */
export function wholeChecksum(
  block: BlockId,
  needle: NeedleId,
  data: Uint8Array,
  checksums: Uint32Array,
): number {
  const spans = Math.floor(data.length / SPAN);
  if (spans === 0) return crc32c(data);
  moveSpan ??= mover(SPAN);
  const seed = seedOf(block, needle, data.length);
  let sum = 0;
  for (let i = 0; i < spans; i++) sum = (moveSpan(sum ^ seed) ^ (checksums[i] ?? 0)) >>> 0;
  return spans * SPAN === data.length ? sum : crc32c(data.subarray(spans * SPAN), sum);
}

/**
 * Index in `data` of the first span that does not match, or -1. `data` holds whole spans of a needle
 * of `needleBytes` (the last may be short); `checksums` are theirs.
 */
export function firstBadSpan(
  block: BlockId,
  needle: NeedleId,
  needleBytes: number,
  data: Uint8Array,
  checksums: Uint32Array,
): number {
  const seed = seedOf(block, needle, needleBytes);
  if (checksums.length !== spanCount(data.length)) return 0;
  for (let i = matchingSpans(data, checksums, seed); i < checksums.length; i++)
    if (crc32c(data.subarray(i * SPAN, (i + 1) * SPAN), seed) !== checksums[i]) return i;
  return -1;
}
