/** Parts of objects, attributes and completions as @aws-sdk/client-s3 sees them. */
import { createHash } from "node:crypto";
import * as s3 from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crc32c } from "../base/checksum.ts";
import { seededRandom } from "../base/random.ts";
import { base64Of, refused, sdkGateway } from "./sdk-gateway.ts";

const MiB = 1024 * 1024;
const Bucket = "parts";
const Versioned = "versioned";
const random = seededRandom(3);
const on = await sdkGateway(Bucket);
const { client, put, get, head, bytesOf, copy } = on;

beforeAll(async () => {
  await client.send(new s3.CreateBucketCommand({ Bucket: Versioned }));
  await client.send(
    new s3.PutBucketVersioningCommand({
      Bucket: Versioned,
      VersioningConfiguration: { Status: "Enabled" },
    }),
  );
});

afterAll(() => on[Symbol.asyncDispose]());

/** A multipart object of these parts; part numbers may have gaps. */
async function multipart(
  Key: string,
  parts: readonly (readonly [number, Buffer | Uint8Array])[],
  more: Partial<s3.CreateMultipartUploadCommandInput> = {},
) {
  const { UploadId } = await client.send(
    new s3.CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: "CRC32C", ...more }),
  );
  const Parts: s3.CompletedPart[] = [];
  for (const [PartNumber, Body] of parts) {
    const at = { Bucket, Key, UploadId, PartNumber };
    const { ETag, ChecksumCRC32C } = await client.send(
      new s3.UploadPartCommand({ ...at, Body, ChecksumAlgorithm: "CRC32C" }),
    );
    Parts.push({ PartNumber, ETag, ChecksumCRC32C });
  }
  const complete = { Bucket, Key, UploadId, MultipartUpload: { Parts } };
  const done = await client.send(new s3.CompleteMultipartUploadCommand(complete));
  return { complete, done };
}

describe("parts of an object", () => {
  const bodies = [random.bytes(5 * MiB), random.bytes(5 * MiB + 1), random.bytes(10)] as const;
  const whole = Buffer.concat(bodies);
  let etag: string | undefined;

  beforeAll(async () => {
    // Uploaded under numbers with gaps; read as parts 1, 2 and 3.
    const { done } = await multipart("parts", [
      [2, bodies[0]],
      [5, bodies[1]],
      [9999, bodies[2]],
    ]);
    etag = done.ETag;
  });

  test("can be read one by one, each with its checksum", async () => {
    let start = 0;
    for (const [i, body] of bodies.entries()) {
      const at = { PartNumber: i + 1, ChecksumMode: "ENABLED" } as const;
      const wanted = {
        ContentLength: body.length,
        ContentRange: `bytes ${start}-${start + body.length - 1}/${whole.length}`,
        PartsCount: 3,
        ETag: etag,
        ChecksumCRC32C: base64Of(crc32c(body)),
        ChecksumType: "COMPOSITE",
      };
      const got = await get("parts", at);
      expect(got.$metadata.httpStatusCode).toBe(206);
      expect(got).toMatchObject(wanted);
      expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
      expect(await head("parts", at)).toMatchObject(wanted);
      start += body.length;
    }
    await expect(get("parts", { PartNumber: 4 })).rejects.toMatchObject(
      refused("InvalidPart", 400),
    );
    await expect(get("parts", { PartNumber: 0 })).rejects.toMatchObject(
      refused("InvalidArgument", 400),
    );
    await expect(get("parts", { PartNumber: 1, Range: "bytes=0-1" })).rejects.toMatchObject(
      refused("InvalidRequest", 400),
    );
  });

  test("an object that is not multipart is its part 1", async () => {
    await put("single", "body");
    const got = await get("single", { PartNumber: 1 });
    expect(await got.Body?.transformToString()).toBe("body");
    expect([got.PartsCount, got.ContentRange]).toEqual([undefined, "bytes 0-3/4"]);
    await expect(head("single", { PartNumber: 2 })).rejects.toMatchObject({
      $metadata: expect.objectContaining({ httpStatusCode: 400 }),
    });
    await put("empty", "");
    expect((await head("empty", { PartNumber: 1 })).ContentLength).toBe(0);
  });

  test("attributes tell of an object and its parts, page by page", async () => {
    const ask = (more: Partial<s3.GetObjectAttributesCommandInput> = {}) =>
      client.send(
        new s3.GetObjectAttributesCommand({
          Bucket,
          Key: "parts",
          ObjectAttributes: ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"],
          ...more,
        }),
      );
    const all = await ask();
    expect(all).toMatchObject({
      ETag: etag?.replaceAll('"', ""),
      Checksum: { ChecksumType: "COMPOSITE" },
      StorageClass: "STANDARD",
      ObjectSize: whole.length,
    });
    const parts = bodies.map((body, i) => ({
      PartNumber: i + 1,
      Size: body.length,
      ChecksumCRC32C: base64Of(crc32c(body)),
    }));
    expect(all.ObjectParts).toMatchObject({ TotalPartsCount: 3, IsTruncated: false, Parts: parts });
    const page = await ask({ MaxParts: 1, PartNumberMarker: "1" });
    expect(page.ObjectParts).toEqual({
      TotalPartsCount: 3,
      PartNumberMarker: "1",
      NextPartNumberMarker: "2",
      MaxParts: 1,
      IsTruncated: true,
      Parts: [parts[1]],
    });
    expect(await ask({ ObjectAttributes: ["ObjectSize"] })).not.toHaveProperty("ETag");
    const { ObjectParts } = await ask({ Key: "single" });
    expect(ObjectParts).toBeUndefined();
    for (const more of [{ ObjectAttributes: ["Size"] as unknown as "ETag"[] }, { MaxParts: -1 }])
      await expect(ask(more)).rejects.toMatchObject(refused("InvalidArgument", 400));
    await expect(ask({ Key: "nothing" })).rejects.toMatchObject(refused("NoSuchKey", 404));
  });

  test("a copy has the parts of its source, unless it has a checksum of its own", async () => {
    await copy(`${Bucket}/parts`, "parts-copy");
    expect(await head("parts-copy", { PartNumber: 2 })).toMatchObject({
      PartsCount: 3,
      ETag: etag,
    });
    await copy(`${Bucket}/parts`, "parts-summed", { ChecksumAlgorithm: "SHA1" });
    const { PartsCount, ChecksumSHA1, ContentLength } = await head("parts-summed", {
      PartNumber: 1,
      ChecksumMode: "ENABLED",
    });
    const sha1 = createHash("sha1").update(whole).digest("base64");
    expect([PartsCount, ChecksumSHA1, ContentLength]).toEqual([undefined, sha1, whole.length]);
  });
});

describe("completion", () => {
  test("that is sent again is answered again, until the object is another", async () => {
    const { complete, done } = await multipart("twice", [[1, random.bytes(10)]]);
    const again = await client.send(new s3.CompleteMultipartUploadCommand(complete));
    expect([again.ETag, again.ChecksumCRC32C]).toEqual([done.ETag, done.ChecksumCRC32C]);
    const otherParts = { Parts: [{ PartNumber: 1, ETag: '"00000000000000000000000000000000"' }] };
    await expect(
      client.send(
        new s3.CompleteMultipartUploadCommand({ ...complete, MultipartUpload: otherParts }),
      ),
    ).rejects.toMatchObject(refused("NoSuchUpload", 404));
    await put("twice", "another");
    await expect(
      client.send(new s3.CompleteMultipartUploadCommand(complete)),
    ).rejects.toMatchObject(refused("NoSuchUpload", 404));
  });

  test("tells the version, also when it is sent again", async () => {
    const at = { Bucket: Versioned, Key: "made" };
    const { UploadId } = await client.send(new s3.CreateMultipartUploadCommand(at));
    const { ETag } = await client.send(
      new s3.UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: "x" }),
    );
    const command = () =>
      new s3.CompleteMultipartUploadCommand({
        ...at,
        UploadId,
        MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
      });
    const first = await client.send(command());
    expect(first.VersionId).toMatch(/^[0-9a-f]{14}$/);
    expect((await client.send(command())).VersionId).toBe(first.VersionId);
  });

  test("with an empty last part, which hides nothing", async () => {
    const body = random.bytes(5 * MiB);
    await multipart("short", [
      [1, body],
      [2, Buffer.alloc(0)],
    ]);
    expect((await bytesOf("short")).equals(body)).toBe(true);
    expect((await head("short", { PartNumber: 2 })).ContentLength).toBe(0);
  });
});
