import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { type CrcName, expectedOf, joinCrcs, startCrc, startExpected } from "./object-check.ts";

const bytes = seededRandom(3).bytes(100_000);

test.each<CrcName>(["CRC32", "CRC32C", "CRC64NVME"])("%s of runs is that of the whole", (name) => {
  const whole = startCrc(name);
  whole.update(bytes);
  const runs = [0, 1, 30_000, 30_000, 99_999].map((from, i, all) => {
    const run = bytes.subarray(from, all[i + 1] ?? bytes.length);
    const crc = startCrc(name);
    crc.update(run);
    return { hex: crc.hex(), bytes: run.length };
  });
  expect(joinCrcs(name, runs)).toBe(whole.hex());
});

test("the store's best word is taken: its checksum, else an ETag that is an MD5, else the length", () => {
  const md5 = createHash("md5").update(bytes).digest("hex");
  const sha = createHash("sha256").update(bytes);
  const ChecksumSHA256 = sha.digest("base64");
  expect(expectedOf({ ETag: `"${md5}"`, ChecksumCRC32C: "AAAAAA==" })).toMatchObject({
    name: "CRC32C",
    hex: "00000000",
  });
  for (const object of [{ ETag: `"${md5}"` }, { ETag: '"x"', ChecksumSHA256 }]) {
    const expected = expectedOf(object);
    const sum = startExpected(expected);
    sum.update(bytes);
    expect(expected).toMatchObject({ kind: "hash", hex: sum.hex() });
  }
});

test.each([
  { ETag: '"9b2cf535f27731c974343645a3985328-3"' },
  { ETag: '"9b2cf535f27731c974343645a3985328"', ServerSideEncryption: "aws:kms" },
  { ETag: '"9b2cf535f27731c974343645a3985328"', SSECustomerAlgorithm: "AES256" },
  { ETag: '"x"', ChecksumCRC32: "AAAAAA==-2" },
  { ETag: '"x"', ChecksumCRC32C: "AAAAAA==", ChecksumType: "COMPOSITE" },
  {},
])("%j says nothing of the bytes", (object) => {
  expect(expectedOf(object)).toEqual({ kind: "length" });
});
