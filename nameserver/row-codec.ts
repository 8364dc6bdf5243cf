/**
 * A row as bytes:
 *
 *   0  u32  CRC32C over key and everything behind this field, little-endian
 *   4  u8   format version of the row, 1
 *   5       msgpack map
 *
 * The store below does not check what it returns (a flipped byte in a table file comes back as
 * good), so every read does.
 */
import { Packr, RESERVE_START_SPACE } from "msgpackr";
import { crc32, crc32c, crc32cOfLatin1 } from "../base/checksum.ts";
import { QuarryError } from "../base/errors.ts";
import type { Key } from "./keyspace.ts";

const ROW_FORMAT = 1;
const CHECK_BYTES = 4;
const HEAD_BYTES = 5;
/** Room that msgpackr can leave in front of what it packs. */
const MOST_RESERVED = 255;

/** The same value always packs to the same bytes: replicas compare digests of them (INV-6). */
const packr = new Packr({ useRecords: false, variableMapSize: true });

/** The row as it is stored; shares its memory with other rows for as long as it is kept. */
export function encodeRow(key: Buffer, row: unknown): Buffer {
  // The checksum is taken over key and row in one piece, then takes the place of the key's end.
  const keyAt = Math.max(0, CHECK_BYTES - key.length);
  const formatAt = keyAt + key.length;
  if (formatAt >= MOST_RESERVED) return encodeUnderLongKey(key, row);
  const bytes = packr.pack(row, RESERVE_START_SPACE | (formatAt + 1));
  bytes.set(key, keyAt);
  bytes[formatAt] = ROW_FORMAT;
  const sum = crc32c(keyAt === 0 ? bytes : bytes.subarray(keyAt));
  bytes.writeUInt32LE(sum, formatAt - CHECK_BYTES);
  return bytes.subarray(formatAt - CHECK_BYTES);
}

function encodeUnderLongKey(key: Buffer, row: unknown): Buffer {
  const packed = packr.pack(row);
  const stored = Buffer.allocUnsafe(HEAD_BYTES + packed.length);
  stored[CHECK_BYTES] = ROW_FORMAT;
  stored.set(packed, HEAD_BYTES);
  stored.writeUInt32LE(crc32c(stored.subarray(CHECK_BYTES), crc32c(key)), 0);
  return stored;
}

/** A row of this nameserver's own state is not what was written; what others read is another matter. */
export class HarmedRow extends QuarryError {
  constructor(key: Key) {
    const name = Buffer.from(key, "latin1").toString("hex");
    super("Damaged", `metadata row ${name} fails its checksum`);
  }
}

/** @throws HarmedRow when the bytes are not those that were written under this key. */
export function checkRow(key: Key, stored: Buffer): void {
  const sum = crc32c(stored.subarray(CHECK_BYTES), crc32cOfLatin1(key));
  if (stored.length < HEAD_BYTES || stored.readUInt32LE(0) !== sum) throw new HarmedRow(key);
}

/** Over key and value, as it is stored. */
export function checksumOf(stored: Buffer): number {
  return stored.readUInt32LE(0);
}

/** @throws QuarryError `Damaged`, `NewerFormat`. */
export function decodeRow<Row>(key: Key, stored: Buffer): Row {
  checkRow(key, stored);
  if (stored[CHECK_BYTES] !== ROW_FORMAT)
    throw new QuarryError(
      "NewerFormat",
      `metadata row of format ${stored[CHECK_BYTES]}: update Quarry`,
    );
  return packr.unpack(stored, { start: HEAD_BYTES }) as Row;
}

/** Two sums mod 2^32 over all rows: equal states have equal digests, in whatever order they came about. */
export interface Digest {
  readonly a: number;
  readonly b: number;
}

/** The digest without `before` and with `after`. The stored checksum covers the key already. */
export function moveDigest(digest: Digest, before?: Buffer, after?: Buffer): Digest {
  let { a, b } = digest;
  if (before !== undefined) {
    a = (a - before.readUInt32LE(0)) >>> 0;
    b = (b - crc32(before)) >>> 0;
  }
  if (after !== undefined) {
    a = (a + after.readUInt32LE(0)) >>> 0;
    b = (b + crc32(after)) >>> 0;
  }
  return { a, b };
}
