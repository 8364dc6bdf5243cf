import { expect, test } from "vitest";
import { crc32c } from "../base/checksum.ts";
import type { BlockId, NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { seededRandom } from "../base/random.ts";
import { needleChecksums, wholeChecksum } from "./needle-checksums.ts";

test("the checksum of the whole is that of the bytes, whatever their length and whose they are", () => {
  const random = seededRandom(12);
  const span = limits.checksumSpanBytes;
  const around = [0, 1, span - 1, span, span + 1, 2 * span, 64 * span];
  const lengths = [...around, ...Array.from({ length: 20 }, () => random.u32() % (5 * span))];
  for (const lengthBytes of lengths) {
    const data = random.bytes(lengthBytes);
    const block = random.u32() as BlockId;
    const needle = BigInt(random.u32()) as NeedleId;
    const sums = needleChecksums(block, needle, data);
    expect(wholeChecksum(block, needle, data, sums)).toBe(crc32c(data));
  }
});
