/**
 * The file of one member of a striped block. A block of n needles is k ranges of R bytes, in which
 * their records stand whole, and m parities of these; member i has range i, or parity i - k.
 *
 *     superblock                64 B, format 2 (superblock.ts); the salt names the encoding
 *     range, or parity          R bytes, a multiple of 8; zeros behind the last record
 *     tables, the same at all members:
 *       columns, by id          id high, id low, place / 8, length: u32 × n each; CRC32C
 *                               place: 64 + range × R + offset in the range
 *       details                 pages of 1,024 needles: (owner blob u64, owner chunk u32, sum u32)
 *                               each; CRC32C. sum: of a needle of one span its checksum, of a longer
 *                               one the number of its first among the long sums
 *       long sums               pages of 1,024: checksum u32 each; CRC32C
 *     span sums                 CRC32C of each 64 KiB of the range; 0 … 4 zeros; CRC32C
 *     records                   tombstones and marks, as in every block (record.ts)
 *
 * The records of a range are those of a block file: each as if it stood in a file at 64 + its offset in
 * the range. Every checksum starts from the block's seed and from where it stands; that of a span also
 * from the member's position. Little-endian.
 */
import { crc32c } from "../../base/checksum.ts";
import { limits } from "../../base/limits.ts";
import { emptyRows, type IndexRows } from "../needle-index.ts";
import { seedOfBlock } from "../record.ts";
import { type StripeShape, SUPERBLOCK_BYTES, type Superblock } from "../superblock.ts";

export const SPAN = limits.checksumSpanBytes;
export const PAGE_ROWS = 1024;
const DETAIL_BYTES = 16;
const COLUMNS = 4;
const CRC_BYTES = 4;

export interface StripedSuperblock extends Superblock {
  readonly stripe: StripeShape;
}

/** Where the parts of a file begin. */
export interface Geometry {
  readonly columnsAt: number;
  readonly detailsAt: number;
  readonly longSumsAt: number;
  readonly spanSumsAt: number;
  readonly recordsAt: number;
}

const pagesBytes = (count: number, each: number) =>
  count * each + Math.ceil(count / PAGE_ROWS) * CRC_BYTES;

export function geometryOf({ rangeBytes, needles, longSums }: StripeShape): Geometry {
  const columnsAt = SUPERBLOCK_BYTES + rangeBytes;
  const detailsAt = columnsAt + needles * COLUMNS * 4 + CRC_BYTES;
  const longSumsAt = detailsAt + pagesBytes(needles, DETAIL_BYTES);
  const spanSumsAt = longSumsAt + pagesBytes(longSums, 4);
  const end = spanSumsAt + Math.ceil(rangeBytes / SPAN) * 4 + CRC_BYTES;
  return { columnsAt, detailsAt, longSumsAt, spanSumsAt, recordsAt: Math.ceil(end / 8) * 8 };
}

/** What is known of needle `row` beside its columns. */
export interface Details {
  readonly blob: number;
  readonly chunk: number;
  readonly sum: number;
}

/** The needles of an encoding, in columns by id. */
export interface Tables {
  readonly rows: IndexRows;
  readonly blobs: Float64Array;
  readonly chunks: Uint32Array;
  readonly sums: Uint32Array;
  readonly longSums: Uint32Array;
}

const seeded = (seed: number, number: number) => (seed ^ Math.imul(number, 0x9e3779b1)) >>> 0;
const COLUMNS_SEED = 1;
const DETAILS_SEED = 0x1000_0000;
const LONG_SEED = 0x2000_0000;
const SPAN_SEED = 0x4000_0000;
const SUMS_SEED = 2;

export function encodeTables(superblock: StripedSuperblock, tables: Tables): Buffer {
  const seed = seedOfBlock(superblock);
  const { columnsAt, detailsAt, longSumsAt, spanSumsAt } = geometryOf(superblock.stripe);
  const bytes = Buffer.alloc(spanSumsAt - columnsAt);
  const { rows, longSums } = tables;
  [rows.high, rows.low, rows.offset8, rows.lengths].forEach((column, c) => {
    column.forEach((value, row) => {
      bytes.writeUInt32LE(value, (c * rows.count + row) * 4);
    });
  });
  const columnBytes = rows.count * COLUMNS * 4;
  bytes.writeUInt32LE(
    crc32c(bytes.subarray(0, columnBytes), seeded(seed, COLUMNS_SEED)),
    columnBytes,
  );
  writePages(bytes, detailsAt - columnsAt, rows.count, DETAIL_BYTES, seeded(seed, DETAILS_SEED), {
    put(row, at) {
      bytes.writeBigUInt64LE(BigInt(tables.blobs[row] ?? 0), at);
      bytes.writeUInt32LE(tables.chunks[row] ?? 0, at + 8);
      bytes.writeUInt32LE(tables.sums[row] ?? 0, at + 12);
    },
  });
  writePages(bytes, longSumsAt - columnsAt, longSums.length, 4, seeded(seed, LONG_SEED), {
    put: (i, at) => bytes.writeUInt32LE(longSums[i] ?? 0, at),
  });
  return bytes;
}

function writePages(
  bytes: Buffer,
  from: number,
  count: number,
  each: number,
  seed: number,
  { put }: { put: (item: number, at: number) => void },
): void {
  let at = from;
  for (let first = 0; first < count; first += PAGE_ROWS) {
    const start = at;
    for (let item = first; item < Math.min(first + PAGE_ROWS, count); item++, at += each)
      put(item, at);
    bytes.writeUInt32LE(crc32c(bytes.subarray(start, at), seeded(seed, first + 1)), at);
    at += CRC_BYTES;
  }
}

/** The columns, or undefined when damaged. `bytes` are those from `columnsAt` to `detailsAt`. */
export function decodeColumns(superblock: StripedSuperblock, bytes: Buffer): IndexRows | undefined {
  const count = superblock.stripe.needles;
  const length = count * COLUMNS * 4;
  if (bytes.length < length + CRC_BYTES) return undefined;
  const crc = crc32c(bytes.subarray(0, length), seeded(seedOfBlock(superblock), COLUMNS_SEED));
  if (crc !== bytes.readUInt32LE(length)) return undefined;
  const rows = emptyRows(count);
  [rows.high, rows.low, rows.offset8, rows.lengths].forEach((column, c) => {
    for (let row = 0; row < count; row++) column[row] = bytes.readUInt32LE((c * count + row) * 4);
  });
  return rows;
}

/** A page of a file: its bytes with their checksum. */
export interface PagePlace {
  readonly first: number;
  readonly at: number;
  readonly lengthBytes: number;
}

function pagePlace(from: number, count: number, each: number, item: number): PagePlace {
  const first = item - (item % PAGE_ROWS);
  const at = from + first * each + (first / PAGE_ROWS) * CRC_BYTES;
  return { first, at, lengthBytes: Math.min(PAGE_ROWS, count - first) * each + CRC_BYTES };
}

export const detailsPlace = (shape: StripeShape, row: number): PagePlace =>
  pagePlace(geometryOf(shape).detailsAt, shape.needles, DETAIL_BYTES, row);

export const longSumsPlace = (shape: StripeShape, number: number): PagePlace =>
  pagePlace(geometryOf(shape).longSumsAt, shape.longSums, 4, number);

function isPage(seed: number, { first, lengthBytes }: PagePlace, bytes: Buffer): boolean {
  const end = lengthBytes - CRC_BYTES;
  if (bytes.length !== lengthBytes) return false;
  return crc32c(bytes.subarray(0, end), seeded(seed, first + 1)) === bytes.readUInt32LE(end);
}

export const isDetailsPage = (of: Superblock, place: PagePlace, bytes: Buffer): boolean =>
  isPage(seeded(seedOfBlock(of), DETAILS_SEED), place, bytes);

export const isLongSumsPage = (of: Superblock, place: PagePlace, bytes: Buffer): boolean =>
  isPage(seeded(seedOfBlock(of), LONG_SEED), place, bytes);

/** Whether all of these tables is what was written. */
export function areTables(superblock: StripedSuperblock, tables: Buffer): boolean {
  const { columnsAt } = geometryOf(superblock.stripe);
  const { needles, longSums } = superblock.stripe;
  const pageAt = (place: PagePlace) =>
    tables.subarray(place.at - columnsAt, place.at - columnsAt + place.lengthBytes);
  if (decodeColumns(superblock, tables) === undefined) return false;
  for (let row = 0; row < needles; row += PAGE_ROWS) {
    const place = detailsPlace(superblock.stripe, row);
    if (!isDetailsPage(superblock, place, pageAt(place))) return false;
  }
  for (let number = 0; number < longSums; number += PAGE_ROWS) {
    const place = longSumsPlace(superblock.stripe, number);
    if (!isLongSumsPage(superblock, place, pageAt(place))) return false;
  }
  return true;
}

export function detailsAt({ first }: PagePlace, page: Buffer, row: number): Details {
  const at = (row - first) * DETAIL_BYTES;
  return {
    blob: Number(page.readBigUInt64LE(at)),
    chunk: page.readUInt32LE(at + 8),
    sum: page.readUInt32LE(at + 12),
  };
}

/** The checksum of span `span` of what member `superblock.piece` has. */
export function spanSum(superblock: Superblock, span: number, bytes: Uint8Array): number {
  const place = SPAN_SEED + superblock.piece * 0x10_0000 + span;
  return crc32c(bytes, seeded(seedOfBlock(superblock), place));
}

export function encodeSpanSums(superblock: StripedSuperblock, sums: Uint32Array): Buffer {
  const { spanSumsAt, recordsAt } = geometryOf(superblock.stripe);
  const bytes = Buffer.alloc(recordsAt - spanSumsAt);
  sums.forEach((sum, i) => {
    bytes.writeUInt32LE(sum, i * 4);
  });
  const end = bytes.length - CRC_BYTES;
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, end), sumsSeed(superblock)), end);
  return bytes;
}

const sumsSeed = (superblock: Superblock) =>
  seeded(seedOfBlock(superblock), SUMS_SEED + 2 * superblock.piece);

export function decodeSpanSums(
  superblock: StripedSuperblock,
  bytes: Buffer,
): Uint32Array | undefined {
  const { spanSumsAt, recordsAt } = geometryOf(superblock.stripe);
  const end = bytes.length - CRC_BYTES;
  if (bytes.length !== recordsAt - spanSumsAt) return undefined;
  if (crc32c(bytes.subarray(0, end), sumsSeed(superblock)) !== bytes.readUInt32LE(end))
    return undefined;
  return Uint32Array.from({ length: Math.ceil(superblock.stripe.rangeBytes / SPAN) }, (_, i) =>
    bytes.readUInt32LE(i * 4),
  );
}
