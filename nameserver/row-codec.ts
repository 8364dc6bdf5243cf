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
import { Packr } from "msgpackr";
import { crc32, crc32c } from "../base/checksum.ts";
import { QuarryError } from "../base/errors.ts";
import type { Key } from "./keyspace.ts";

const ROW_FORMAT = 1;
const HEAD_BYTES = 5;

/** The same value always packs to the same bytes: replicas compare digests of them (INV-6). */
const packr = new Packr({ useRecords: false, variableMapSize: true });

export function encodeRow(key: Buffer, row: unknown): Buffer {
  const packed = packr.pack(row);
  const stored = Buffer.allocUnsafe(HEAD_BYTES + packed.length);
  stored[4] = ROW_FORMAT;
  stored.set(packed, HEAD_BYTES);
  stored.writeUInt32LE(crc32c(stored.subarray(4), crc32c(key)), 0);
  return stored;
}

/** @throws QuarryError `Damaged` when the bytes are not those that were written under this key. */
export function decodeRow<Row>(key: Key, stored: Buffer): Row {
  const sum = crc32c(stored.subarray(4), crc32c(Buffer.from(key, "latin1")));
  if (stored.length < HEAD_BYTES || stored.readUInt32LE(0) !== sum)
    throw new QuarryError(
      "Damaged",
      `metadata row ${Buffer.from(key, "latin1").toString("hex")} fails its checksum`,
    );
  if (stored[4] !== ROW_FORMAT)
    throw new QuarryError("NewerFormat", `metadata row of format ${stored[4]}: update Quarry`);
  return packr.unpack(stored.subarray(HEAD_BYTES)) as Row;
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
