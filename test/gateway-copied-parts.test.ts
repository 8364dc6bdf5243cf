/** Parts that are copied as @aws-sdk/client-s3 sees them. */
import { createHash } from "node:crypto";
import * as s3 from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crc32 } from "../base/checksum.ts";
import { seededRandom } from "../base/random.ts";
import { other } from "./gateway-running.ts";
import { base64Of, refused, sdkGateway } from "./sdk-gateway.ts";

const MiB = 1024 * 1024;
const Bucket = "copies";
const Private = "private";
const random = seededRandom(3);
const on = await sdkGateway(Bucket);
const { client, put, head, bytesOf } = on;

beforeAll(async () => {
  const stranger = on.clientOf(other);
  await stranger.send(new s3.CreateBucketCommand({ Bucket: Private }));
  await stranger.send(new s3.PutObjectCommand({ Bucket: Private, Key: "k", Body: "secret" }));
  stranger.destroy();
});

afterAll(() => on[Symbol.asyncDispose]());

describe("UploadPartCopy", () => {
  const source = random.bytes(12 * MiB);
  const begin = async (Key: string, more: Partial<s3.CreateMultipartUploadCommandInput> = {}) =>
    (await client.send(new s3.CreateMultipartUploadCommand({ Bucket, Key, ...more }))).UploadId;
  const copyPart = (
    Key: string,
    UploadId: string | undefined,
    PartNumber: number,
    more: Partial<s3.UploadPartCopyCommandInput> = {},
  ) => {
    const CopySource = `${Bucket}/part-source`;
    const at = { Bucket, Key, UploadId, PartNumber, CopySource };
    return client.send(new s3.UploadPartCopyCommand({ ...at, ...more }));
  };
  const complete = (Key: string, UploadId: string | undefined, Parts: s3.CompletedPart[]) =>
    client.send(
      new s3.CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }),
    );

  beforeAll(async () => {
    await put("part-source", source);
  });

  test("makes an object of ranges, and of ranges of that", async () => {
    const ranges = [
      [MiB + 1, 7 * MiB],
      [3, 5 * MiB + 2],
      [12 * MiB - 1, 12 * MiB - 1],
    ] as const;
    const upload = await begin("ranges", { ChecksumAlgorithm: "CRC32" });
    const parts: s3.CompletedPart[] = [];
    for (const [i, [first, last]] of ranges.entries()) {
      const CopySourceRange = `bytes=${first}-${last}`;
      const { CopyPartResult } = await copyPart("ranges", upload, i + 1, { CopySourceRange });
      const sum = base64Of(crc32(source.subarray(first, last + 1)));
      expect(CopyPartResult?.ChecksumCRC32).toBe(sum);
      expect(CopyPartResult?.ETag).toMatch(/^"[0-9a-f]{32}"$/);
      parts.push({ PartNumber: i + 1, ETag: CopyPartResult?.ETag, ChecksumCRC32: sum });
    }
    const listed = await client.send(
      new s3.ListPartsCommand({ Bucket, Key: "ranges", UploadId: upload }),
    );
    expect(listed.Parts?.map(({ Size }) => Size)).toEqual(ranges.map(([a, b]) => b - a + 1));
    await complete("ranges", upload, parts);
    const bytes = Buffer.concat(ranges.map(([a, b]) => source.subarray(a, b + 1)));
    expect((await bytesOf("ranges")).equals(bytes)).toBe(true);

    const again = await begin("again");
    const more = { CopySource: `${Bucket}/ranges`, CopySourceRange: `bytes=9-${11 * MiB}` };
    const { CopyPartResult } = await copyPart("again", again, 1, more);
    await complete("again", again, [{ PartNumber: 1, ETag: CopyPartResult?.ETag }]);
    await client.send(new s3.DeleteObjectCommand({ Bucket, Key: "ranges" }));
    const Range = `bytes=${5 * MiB}-${7 * MiB}`;
    const read = await bytesOf("again", { Range });
    expect(read.equals(bytes.subarray(9 + 5 * MiB, 9 + 7 * MiB + 1))).toBe(true);
    expect((await head("again", { PartNumber: 1 })).ContentLength).toBe(11 * MiB - 8);
  });

  test("of a whole object has its ETag", async () => {
    const upload = await begin("whole");
    const { CopyPartResult } = await copyPart("whole", upload, 1);
    expect(CopyPartResult?.ETag).toBe(`"${createHash("md5").update(source).digest("hex")}"`);
  });

  test.each([
    ["0-2", "InvalidArgument", 400],
    ["bytes=0", "InvalidArgument", 400],
    ["bytes=-5", "InvalidArgument", 400],
    ["bytes=5-", "InvalidArgument", 400],
    ["bytes=3-2", "InvalidArgument", 400],
    ["bytes=0-2,4-5", "InvalidArgument", 400],
    [`bytes=0-${12 * MiB}`, "InvalidRange", 416],
    [`bytes=${12 * MiB}-${12 * MiB}`, "InvalidRange", 416],
  ])("refuses the range %s", async (CopySourceRange, name, status) => {
    const upload = await begin("refused");
    await expect(copyPart("refused", upload, 1, { CopySourceRange })).rejects.toMatchObject(
      refused(name, status),
    );
  });

  test("asks whether the caller may read the source (CVE-2026-39360), and for the upload", async () => {
    const upload = await begin("refused");
    for (const key of ["k", "not-there"])
      await expect(
        copyPart("refused", upload, 1, { CopySource: `${Private}/${key}` }),
      ).rejects.toMatchObject(refused("AccessDenied", 403));
    await expect(copyPart("refused", "0".repeat(14), 1)).rejects.toMatchObject(
      refused("NoSuchUpload", 404),
    );
    await expect(copyPart("refused", upload, 10_001)).rejects.toMatchObject(
      refused("InvalidArgument", 400),
    );
    await expect(
      copyPart("refused", upload, 1, { CopySourceIfNoneMatch: "*" }),
    ).rejects.toMatchObject(refused("PreconditionFailed", 412));
  });
});
