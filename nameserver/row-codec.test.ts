import { expect, test } from "vitest";
import { crc32c } from "../base/checksum.ts";
import { seededRandom } from "../base/random.ts";
import { decodeRow, encodeRow } from "./row-codec.ts";

const KEY_BYTES = [1, 2, 3, 4, 5, 30, 248, 249, 250, 251, 252, 253, 254, 255, 256, 257, 1100];
const row = { name: "a".repeat(40), size: 2 ** 40, list: [1, 2, 3], none: null };

test.each(KEY_BYTES)("a row under a key of %i bytes has the checksum of key and row", (length) => {
  const key = Buffer.from(seededRandom(length).bytes(length));
  const stored = encodeRow(key, row);
  expect(stored.readUInt32LE(0)).toBe(crc32c(Buffer.concat([key, stored.subarray(4)])));
  expect(stored[4]).toBe(1);
  expect(decodeRow(key.toString("latin1"), stored)).toEqual(row);
  // All but the checksum is the same under whatever key.
  expect(stored.subarray(4)).toEqual(encodeRow(Buffer.of(1), row).subarray(4));
});

test("rows that are kept are not overwritten by later ones", () => {
  const key = Buffer.from("key");
  const rows = Array.from({ length: 2000 }, (_, i) => ({ i, text: "x".repeat(i % 300) }));
  const stored = rows.map((one) => encodeRow(key, one));
  expect(stored.map((bytes) => decodeRow("key", bytes))).toEqual(rows);
});

test("a flipped bit anywhere, or another key, is damage", () => {
  const key = Buffer.from("key\xff", "latin1");
  const stored = encodeRow(key, row);
  for (let bit = 0; bit < stored.length * 8; bit++) {
    const harmed = Buffer.from(stored);
    harmed[bit >> 3] = (harmed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(() => decodeRow("key\xff", harmed)).toThrow(/checksum/);
  }
  expect(() => decodeRow("key\xfe", stored)).toThrow(/checksum/);
  expect(() => decodeRow("key\xff", stored.subarray(0, 3))).toThrow(/checksum/);
});
