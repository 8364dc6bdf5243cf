import { expect, test } from "vitest";
import { crc32c, crc32cOfLatin1 } from "./checksum.ts";
import { seededRandom } from "./random.ts";

test("CRC32C of a string is that of its bytes", () => {
  expect(crc32cOfLatin1("123456789")).toBe(0xe3069283);
  const random = seededRandom(1);
  for (let length = 0; length < 100; length++) {
    const bytes = Buffer.from(random.bytes(length));
    expect(crc32cOfLatin1(bytes.toString("latin1"))).toBe(crc32c(bytes));
  }
});
