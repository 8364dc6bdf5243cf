/** Records in a buffer are those of record.ts, byte for byte, and no flipped bit passes. */
import { expect, test } from "vitest";
import { crc32c, crc32cWithin } from "../base/checksum.ts";
import type { BlobId, BlockId, NeedleId } from "../base/ids.ts";
import { seededRandom } from "../base/random.ts";
import { needleChecksums } from "../rpc/needle-checksums.ts";
import { encodeRecord, recordBytes } from "./record.ts";
import { isNeedleAt, sealAnew, sealAround } from "./records-in-place.ts";

const block = 7 as BlockId;
const needle = 0xfedc_ba98_7654_3210n as NeedleId;
const LENGTHS = [0, 1, 7, 8, 4096, 65_536, 65_537, 1_200_000];

function record(seed: number, offset: number, data: Buffer): Buffer {
  const owner = { blob: (2 ** 40 + 5) as BlobId, chunk: 9 };
  const header = { kind: "needle", lengthBytes: data.length, needle, ...owner } as const;
  const footer = { checksums: needleChecksums(block, needle, data), syncedBytes: 0 };
  const { head, foot } = encodeRecord(seed, offset, header, footer);
  return Buffer.concat([head, data, foot]);
}

const row = (lengthBytes: number) => ({ low: 0x7654_3210, high: 0xfedc_ba98, lengthBytes });

test("short checksums are those of the library", () => {
  const bytes = seededRandom(1).bytes(100);
  for (let from = 0; from < 40; from++)
    for (let to = from; to <= 100; to += 7)
      expect(crc32cWithin(bytes, from, to, from * to)).toBe(
        crc32c(bytes.subarray(from, to), from * to),
      );
});

test.each(LENGTHS)("a needle of %i bytes moves, and is made around its data", (lengthBytes) => {
  const data = seededRandom(lengthBytes).bytes(lengthBytes);
  const [source, target] = [11, 4_000_000_007];
  const [from, to] = [640, 8 * 12_345];
  const at = 24;
  const bytes = Buffer.concat([Buffer.alloc(at, 1), record(source, from, data), Buffer.alloc(16)]);
  const here = { block, seed: source };
  expect(isNeedleAt(bytes, at, here, from, row(lengthBytes))).toBe(true);
  expect(isNeedleAt(bytes, at, here, from + 8, row(lengthBytes))).toBe(false);
  expect(isNeedleAt(bytes, at, { ...here, block: 8 as BlockId }, from, row(lengthBytes))).toBe(
    lengthBytes === 0, // of no data there is no checksum
  );
  expect(isNeedleAt(bytes, at, here, from, { ...row(lengthBytes), low: 1 })).toBe(false);
  const wanted = record(target, to, data);
  const around = Buffer.concat([Buffer.alloc(8 + 32), data, Buffer.alloc(wanted.length, 9)]);
  sealAround(around, 8, { block, seed: target }, to, row(lengthBytes), bytes, at);
  expect(around.subarray(8, 8 + recordBytes(lengthBytes)).equals(wanted)).toBe(true);
  sealAnew(bytes, at, target, to, lengthBytes);
  expect(bytes.subarray(at, at + recordBytes(lengthBytes)).equals(wanted)).toBe(true);
});

test("no flipped bit and no missing end passes", () => {
  const random = seededRandom(5);
  for (const lengthBytes of [0, 9, 500, 70_000]) {
    const bytes = record(3, 64, random.bytes(lengthBytes));
    const here = { block, seed: 3 };
    for (let n = 0; n < 300; n++) {
      const [byte, mask] = [random.u32() % bytes.length, 1 << (random.u32() % 8)];
      bytes[byte] = (bytes[byte] ?? 0) ^ mask;
      expect(isNeedleAt(bytes, 0, here, 64, row(lengthBytes)), `byte ${byte}`).toBe(false);
      bytes[byte] = (bytes[byte] ?? 0) ^ mask;
    }
    expect(isNeedleAt(bytes.subarray(0, -1), 0, here, 64, row(lengthBytes))).toBe(false);
    expect(isNeedleAt(bytes, 0, here, 64, row(lengthBytes))).toBe(true);
  }
});
