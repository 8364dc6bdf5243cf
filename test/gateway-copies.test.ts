/** Copies as @aws-sdk/client-s3 sees them. */
import { createHash } from "node:crypto";
import * as s3 from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crc32 } from "../base/checksum.ts";
import { seededRandom } from "../base/random.ts";
import { other } from "./gateway-running.ts";
import { base64Of, refused, sdkGateway } from "./sdk-gateway.ts";

const MiB = 1024 * 1024;
const Bucket = "copies";
const Versioned = "versioned";
const Private = "private";
const random = seededRandom(3);
const on = await sdkGateway(Bucket);
const { client, put, head, bytesOf, copy } = on;

beforeAll(async () => {
  await client.send(new s3.CreateBucketCommand({ Bucket: Versioned }));
  await client.send(
    new s3.PutBucketVersioningCommand({
      Bucket: Versioned,
      VersioningConfiguration: { Status: "Enabled" },
    }),
  );
  const stranger = on.clientOf(other);
  await stranger.send(new s3.CreateBucketCommand({ Bucket: Private }));
  await stranger.send(new s3.PutObjectCommand({ Bucket: Private, Key: "k", Body: "secret" }));
  stranger.destroy();
});

afterAll(() => on[Symbol.asyncDispose]());

describe("CopyObject", () => {
  test("takes over what is said of the source, or replaces it", async () => {
    const said = { ContentType: "text/x", CacheControl: "max-age=1", Metadata: { a: "1" } };
    await put("said", "x", { ...said, Tagging: "t=1", WebsiteRedirectLocation: "/else" });
    const { CopyObjectResult: result } = await copy(`${Bucket}/said`, "said-copy");
    const source = await head("said");
    expect(result?.ETag).toBe(source.ETag);
    const { WebsiteRedirectLocation, TagCount, ...copied } = await head("said-copy");
    expect(copied).toMatchObject(said);
    expect(copied.LastModified?.getTime()).toBe(
      Math.floor((result?.LastModified?.getTime() ?? 0) / 1000) * 1000,
    );
    expect([WebsiteRedirectLocation, TagCount]).toEqual([undefined, 1]);

    await copy(`${Bucket}/said`, "said-new", {
      MetadataDirective: "REPLACE",
      TaggingDirective: "REPLACE",
      ContentType: "text/y",
      Metadata: { b: "2" },
    });
    const replaced = await head("said-new");
    expect(replaced).toMatchObject({ ContentType: "text/y", Metadata: { b: "2" } });
    expect([replaced.CacheControl, replaced.TagCount]).toEqual([undefined, undefined]);
    expect((await bytesOf("said-new")).toString()).toBe("x");
    await expect(
      copy(`${Bucket}/said`, "no", { MetadataDirective: "MOVE" as "COPY" }),
    ).rejects.toMatchObject(refused("InvalidArgument", 400));
  });

  test("onto itself only with a change", async () => {
    await put("self", "abc", { Metadata: { a: "1" } });
    const self = `${Bucket}/self`;
    await expect(copy(self, "self")).rejects.toMatchObject(refused("InvalidRequest", 400));
    await copy(self, "self", { MetadataDirective: "REPLACE", Metadata: { b: "2" } });
    expect((await head("self")).Metadata).toEqual({ b: "2" });
    expect((await bytesOf("self")).toString()).toBe("abc");
  });

  test.each([
    ["plain", "/copies/plain"],
    ["with space", "copies/with%20space"],
    ["a+b", "copies/a+b"],
    ["slash/in it", "copies%2Fslash%2Fin%20it"],
    ["/leading", "copies//leading"],
    ["what?versionId=x", "copies/what%3FversionId=x"],
    ["50%25", "copies/50%2525"],
    ["é\u{1F600}", "/copies/%C3%A9%F0%9F%98%80"],
    ["..", "copies/.."],
  ])("finds %s", async (key, spelled) => {
    await put(key, key);
    await copy(spelled, "found");
    expect((await bytesOf("found")).toString()).toBe(key);
  });

  test.each([
    "",
    "/",
    "copies",
    "/copies",
    "copies/",
    "copies/%zz",
    "copies/%FF",
    "copies/x?versionId=",
  ])("refuses the source %j", async (source) => {
    await expect(copy(source, "no")).rejects.toMatchObject(refused("InvalidArgument", 400));
  });

  test("conditions on the source: one that does not hold refuses, and tags come before dates", async () => {
    const { ETag } = await put("source", "x");
    const past = new Date(Date.now() - 3_600_000);
    const future = new Date(Date.now() + 3_600_000);
    const judged = async (conditions: Partial<s3.CopyObjectCommandInput>) => {
      try {
        await copy(`${Bucket}/source`, "judged", conditions);
        return "copied";
      } catch (error) {
        return (error as Error).name;
      }
    };
    const failed = "PreconditionFailed";
    expect(await judged({ CopySourceIfMatch: ETag })).toBe("copied");
    expect(await judged({ CopySourceIfMatch: '"other"' })).toBe(failed);
    expect(await judged({ CopySourceIfNoneMatch: ETag })).toBe(failed);
    expect(await judged({ CopySourceIfNoneMatch: '"other"' })).toBe("copied");
    expect(await judged({ CopySourceIfModifiedSince: past })).toBe("copied");
    expect(await judged({ CopySourceIfModifiedSince: future })).toBe(failed);
    expect(await judged({ CopySourceIfUnmodifiedSince: past })).toBe(failed);
    expect(await judged({ CopySourceIfMatch: ETag, CopySourceIfUnmodifiedSince: past })).toBe(
      "copied",
    );
    expect(await judged({ CopySourceIfNoneMatch: ETag, CopySourceIfModifiedSince: past })).toBe(
      failed,
    );
  });

  test("conditions on the target, judged where the copy is applied", async () => {
    const { ETag } = await put("target", "old");
    await put("source", "new");
    const from = `${Bucket}/source`;
    await expect(copy(from, "target", { IfNoneMatch: "*" })).rejects.toMatchObject(
      refused("PreconditionFailed", 412),
    );
    await copy(from, "target", { IfMatch: ETag });
    await expect(copy(from, "target", { IfMatch: ETag })).rejects.toMatchObject(
      refused("PreconditionFailed", 412),
    );
  });

  test("what is not there, and what is not for the caller", async () => {
    await expect(copy("nowhere-at-all/k", "no")).rejects.toMatchObject(
      refused("NoSuchBucket", 404),
    );
    await expect(copy(`${Bucket}/nothing`, "no")).rejects.toMatchObject(refused("NoSuchKey", 404));
    for (const key of ["k", "not-there"])
      await expect(copy(`${Private}/${key}`, "no")).rejects.toMatchObject(
        refused("AccessDenied", 403),
      );
    await expect(
      copy(`${Bucket}/source`, "no", { ExpectedSourceBucketOwner: "user-2" }),
    ).rejects.toMatchObject(refused("AccessDenied", 403));
    await expect(
      client.send(
        new s3.CopyObjectCommand({ Bucket: Private, Key: "mine", CopySource: `${Bucket}/source` }),
      ),
    ).rejects.toMatchObject(refused("AccessDenied", 403));
    await expect(head("no")).rejects.toMatchObject(refused("NotFound", 404));
  });

  test("a source that is replaced after it was judged is judged again", async () => {
    await put("moving", "first", { Metadata: { n: "1" } });
    let times = 0;
    on.before = async (type) => {
      if (type !== "copyObject" || ++times > 2) return;
      const hook = on.before;
      on.before = undefined;
      await put("moving", `again ${times}`, { Metadata: { n: `${times + 1}` } });
      on.before = hook;
    };
    await copy(`${Bucket}/moving`, "moved");
    on.before = undefined;
    expect(times).toBe(3);
    expect((await bytesOf("moved")).toString()).toBe("again 2");
    expect((await head("moved")).Metadata).toEqual({ n: "3" });
    // Away from what the condition wants: not copied after all.
    const { ETag } = await put("moving", "this");
    on.before = async (type) => {
      if (type !== "copyObject") return;
      on.before = undefined;
      await put("moving", "that");
    };
    await expect(
      copy(`${Bucket}/moving`, "moved", { CopySourceIfMatch: ETag }),
    ).rejects.toMatchObject(refused("PreconditionFailed", 412));
    expect((await bytesOf("moved")).toString()).toBe("again 2");
  });

  test("versions: of the source, of the copy, and delete markers", async () => {
    const versioned = (Key: string, Body: string) =>
      client.send(new s3.PutObjectCommand({ Bucket: Versioned, Key, Body }));
    const first = await versioned("k", "one");
    await versioned("k", "two");
    const at = `${Versioned}/k`;
    const old = await client.send(
      new s3.CopyObjectCommand({
        Bucket: Versioned,
        Key: "k",
        CopySource: `${at}?versionId=${first.VersionId}`,
      }),
    );
    expect(old.CopySourceVersionId).toBe(first.VersionId);
    expect(old.VersionId).not.toBe(first.VersionId);
    const now = await client.send(new s3.GetObjectCommand({ Bucket: Versioned, Key: "k" }));
    expect([now.VersionId, await now.Body?.transformToString()]).toEqual([old.VersionId, "one"]);

    const marker = await client.send(new s3.DeleteObjectCommand({ Bucket: Versioned, Key: "k" }));
    await expect(copy(at, "no")).rejects.toMatchObject(refused("NoSuchKey", 404));
    await expect(copy(`${at}?versionId=${marker.VersionId}`, "no")).rejects.toMatchObject(
      refused("InvalidRequest", 400),
    );
    await expect(copy(`${at}?versionId=nonsense`, "no")).rejects.toMatchObject({
      $metadata: expect.objectContaining({ httpStatusCode: 400 }),
    });
    expect((await copy(`${at}?versionId=${old.VersionId}`, "back")).VersionId).toBeUndefined();
    expect((await bytesOf("back")).toString()).toBe("one");
  });

  test("a checksum that was not stored is computed", async () => {
    const body = random.bytes(3 * MiB + 7);
    await put("summed", body, { ChecksumAlgorithm: "CRC32" });
    const same = await copy(`${Bucket}/summed`, "summed-same");
    expect(same.CopyObjectResult).toMatchObject({
      ChecksumCRC32: base64Of(crc32(body)),
      ChecksumType: "FULL_OBJECT",
    });
    const sha256 = createHash("sha256").update(body).digest("base64");
    const more = await copy(`${Bucket}/summed`, "summed-more", { ChecksumAlgorithm: "SHA256" });
    expect(more.CopyObjectResult?.ChecksumSHA256).toBe(sha256);
    const read = await head("summed-more", { ChecksumMode: "ENABLED" });
    expect([read.ChecksumSHA256, read.ChecksumCRC32]).toEqual([sha256, undefined]);
    await expect(
      copy(`${Bucket}/summed`, "no", { ChecksumAlgorithm: "MD4" as "CRC32" }),
    ).rejects.toMatchObject(refused("InvalidRequest", 400));
  });
});
