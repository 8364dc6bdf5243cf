/** The S3 verbs as @aws-sdk/client-s3 sees them, over a whole store on the disk. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as s3 from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../base/random.ts";
import { openClient } from "../client/open-servers.ts";
import type { Store } from "../client/store.ts";
import { other, type RunningGateway, runGateway, user } from "./gateway-running.ts";

const directory = mkdtempSync(join(tmpdir(), "quarry-sdk-"));
const Bucket = "sdk-bucket";
const random = seededRandom(1);
let store: Store;
let running: RunningGateway;
let client: s3.S3Client;

function clientOf(who: typeof user, region = "us-east-1"): s3.S3Client {
  return new s3.S3Client({
    endpoint: running.endpoint,
    region,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: who.accessKey, secretAccessKey: who.secretKey },
  });
}

beforeAll(async () => {
  store = await openClient({ directories: [directory], durability: "none" });
  running = await runGateway(store);
  client = clientOf(user);
  await client.send(new s3.CreateBucketCommand({ Bucket }));
});

afterAll(async () => {
  client.destroy();
  await running.gateway.close();
  await store[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

const bytesOf = async (Key: string, more: Partial<s3.GetObjectCommandInput> = {}) => {
  const got = await client.send(new s3.GetObjectCommand({ Bucket, Key, ...more }));
  return Buffer.from((await got.Body?.transformToByteArray()) ?? []);
};
const put = (
  Key: string,
  Body: Uint8Array | string,
  more: Partial<s3.PutObjectCommandInput> = {},
) => client.send(new s3.PutObjectCommand({ Bucket, Key, Body, ...more }));
const refused = (name: string, status: number) => ({
  name,
  $metadata: expect.objectContaining({ httpStatusCode: status }),
});

describe("objects", () => {
  test.each([0, 1, 4096, 65_536, 1_000_003, 9_000_001])(
    "%i bytes go in and come out",
    async (length) => {
      const body = random.bytes(length);
      const stored = await put(`size/${length}`, body);
      expect(stored.ETag).toBe(`"${createHash("md5").update(body).digest("hex")}"`);
      expect((await bytesOf(`size/${length}`)).equals(body)).toBe(true);
      const head = await client.send(new s3.HeadObjectCommand({ Bucket, Key: `size/${length}` }));
      expect(head.ContentLength).toBe(length);
    },
  );

  test("what was said of an object comes back", async () => {
    const said = {
      ContentType: "text/x-test; charset=utf-8",
      CacheControl: "max-age=5",
      ContentDisposition: 'attachment; filename="x"',
      ContentEncoding: "gzip",
      ContentLanguage: "de",
      Metadata: { first: "1", "with-dash": "a b" },
    };
    await put("said", "x", { ...said, Tagging: "a=1&b=%C3%A9" });
    const got = await client.send(new s3.HeadObjectCommand({ Bucket, Key: "said" }));
    expect(got).toMatchObject(said);
    expect(got.TagCount).toBe(2);
    const plain = await client.send(new s3.HeadObjectCommand({ Bucket, Key: "size/1" }));
    expect(plain.ContentType).toBe("application/octet-stream");
    const changed = await client.send(
      new s3.GetObjectCommand({
        Bucket,
        Key: "said",
        ResponseContentType: "image/png",
        ResponseCacheControl: "no-store",
      }),
    );
    expect(changed).toMatchObject({ ContentType: "image/png", CacheControl: "no-store" });
  });

  test.each([
    "a/../b",
    "..",
    ".",
    "a//b",
    "/lead",
    "end/",
    "a%2Fb",
    "a+b c",
    "é€😀",
    "~!*'()&=?#;:@$,",
    "x".repeat(1024),
  ])("the key %s", async (key) => {
    await put(key, key);
    expect((await bytesOf(key)).toString()).toBe(key);
    const page = await client.send(
      new s3.ListObjectsV2Command({ Bucket, Prefix: key, EncodingType: "url" }),
    );
    expect(page.Contents?.some((o) => decodeURIComponent(o.Key ?? "") === key)).toBe(true);
    await client.send(new s3.DeleteObjectCommand({ Bucket, Key: key }));
    await expect(bytesOf(key)).rejects.toMatchObject(refused("NoSuchKey", 404));
  });

  test.each(["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const)(
    "%s in a trailer is checked and kept",
    async (name) => {
      const body = random.bytes(200_000);
      const stored = await put("sum", body, { ChecksumAlgorithm: name });
      expect(stored[`Checksum${name}`]).toBeTruthy();
      const head = await client.send(
        new s3.HeadObjectCommand({ Bucket, Key: "sum", ChecksumMode: "ENABLED" }),
      );
      expect(head[`Checksum${name}`]).toBe(stored[`Checksum${name}`]);
      expect(head.ChecksumType).toBe("FULL_OBJECT");
      expect((await bytesOf("sum", { ChecksumMode: "ENABLED" })).equals(body)).toBe(true);
      const wrong = {
        [`Checksum${name}`]: Buffer.alloc(
          name === "SHA1" ? 20 : name === "SHA256" ? 32 : name === "CRC64NVME" ? 8 : 4,
        ).toString("base64"),
      };
      await expect(put("sum", body, wrong)).rejects.toMatchObject(refused("BadDigest", 400));
      expect((await bytesOf("sum")).equals(body)).toBe(true);
    },
  );

  test("ranges", async () => {
    const body = random.bytes(300_000);
    await put("range", body);
    for (const [Range, from, to] of [
      ["bytes=0-0", 0, 1],
      ["bytes=65535-65536", 65_535, 65_537],
      ["bytes=299999-", 299_999, 300_000],
      ["bytes=-10", 299_990, 300_000],
      ["bytes=100-999999", 100, 300_000],
    ] as const) {
      const got = await client.send(new s3.GetObjectCommand({ Bucket, Key: "range", Range }));
      expect(got.$metadata.httpStatusCode).toBe(206);
      expect(got.ContentRange).toBe(`bytes ${from}-${to - 1}/300000`);
      expect(
        Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(body.subarray(from, to)),
      ).toBe(true);
    }
    await expect(bytesOf("range", { Range: "bytes=300000-" })).rejects.toMatchObject(
      refused("InvalidRange", 416),
    );
  });

  test("conditions", async () => {
    const { ETag = "" } = await put("condition", "x");
    expect((await bytesOf("condition", { IfMatch: ETag })).toString()).toBe("x");
    await expect(bytesOf("condition", { IfMatch: '"y"' })).rejects.toMatchObject(
      refused("PreconditionFailed", 412),
    );
    await expect(bytesOf("condition", { IfNoneMatch: ETag })).rejects.toMatchObject({
      $metadata: expect.objectContaining({ httpStatusCode: 304 }),
    });
    await expect(put("condition", "y", { IfNoneMatch: "*" })).rejects.toMatchObject(
      refused("PreconditionFailed", 412),
    );
    await expect(put("condition", "y", { IfMatch: '"y"' })).rejects.toMatchObject(
      refused("PreconditionFailed", 412),
    );
    await put("condition", "y", { IfMatch: ETag });
    await put("condition-new", "y", { IfNoneMatch: "*" });
    expect((await bytesOf("condition")).toString()).toBe("y");
  });
});

describe("multipart uploads", () => {
  const MiB = 2 ** 20;

  async function start(Key: string, more: Partial<s3.CreateMultipartUploadCommandInput> = {}) {
    const { UploadId = "" } = await client.send(
      new s3.CreateMultipartUploadCommand({ Bucket, Key, ...more }),
    );
    return { Bucket, Key, UploadId };
  }

  test.each([
    ["no checksum", undefined, undefined],
    ["CRC32 of the parts", "CRC32", "COMPOSITE"],
    ["CRC32 of the whole", "CRC32", "FULL_OBJECT"],
    ["CRC32C of the whole", "CRC32C", "FULL_OBJECT"],
    ["CRC64NVME of the whole", "CRC64NVME", "FULL_OBJECT"],
    ["SHA256 of the parts", "SHA256", "COMPOSITE"],
  ] as const)(
    "parts out of order, one sent twice, with %s",
    async (_, ChecksumAlgorithm, ChecksumType) => {
      const parts = [random.bytes(5 * MiB), random.bytes(5 * MiB + 1), random.bytes(100)];
      const sums = ChecksumAlgorithm && { ChecksumAlgorithm };
      const upload = await start("multi", {
        ...sums,
        ...(ChecksumType && { ChecksumType }),
        Metadata: { a: "b" },
      });
      const send = (PartNumber: number, Body: Uint8Array) =>
        client.send(new s3.UploadPartCommand({ ...upload, PartNumber, Body, ...sums }));
      await send(1, random.bytes(10));
      const done: s3.CompletedPart[] = [];
      for (const number of [3, 1, 2]) {
        const { $metadata: _ignored, ...part } = await send(
          number,
          parts[number - 1] ?? Buffer.alloc(0),
        );
        done[number - 1] = { ...part, PartNumber: number };
      }
      const listed = await client.send(new s3.ListPartsCommand({ ...upload, MaxParts: 2 }));
      expect(listed).toMatchObject({ IsTruncated: true, NextPartNumberMarker: "2" });
      const completed = await client.send(
        new s3.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: done } }),
      );
      const md5s = parts.map((part) => createHash("md5").update(part).digest());
      expect(completed.ETag).toBe(
        `"${createHash("md5").update(Buffer.concat(md5s)).digest("hex")}-3"`,
      );
      const whole = Buffer.concat(parts);
      expect((await bytesOf("multi")).equals(whole)).toBe(true);
      expect(
        (await bytesOf("multi", { Range: "bytes=5242870-10485770" })).equals(
          whole.subarray(5_242_870, 10_485_771),
        ),
      ).toBe(true);
      const head = await client.send(
        new s3.HeadObjectCommand({ Bucket, Key: "multi", ChecksumMode: "ENABLED" }),
      );
      expect(head.Metadata).toEqual({ a: "b" });
      if (ChecksumAlgorithm === undefined) return;
      const name = `Checksum${ChecksumAlgorithm}` as const;
      expect(head.ChecksumType).toBe(ChecksumType);
      if (ChecksumType === "COMPOSITE") expect(head[name]).toMatch(/-3$/);
      else expect(head[name]).toBe((await put("single", whole, { ChecksumAlgorithm }))[name]);
    },
  );

  test("what cannot be completed", async () => {
    const upload = await start("bad");
    const send = async (PartNumber: number, Body: Uint8Array) => {
      const { ETag } = await client.send(new s3.UploadPartCommand({ ...upload, PartNumber, Body }));
      return { PartNumber, ETag };
    };
    const [one, two] = [await send(1, random.bytes(10)), await send(2, random.bytes(10))];
    const complete = (...Parts: s3.CompletedPart[]) =>
      client.send(new s3.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
    await expect(complete(one, two)).rejects.toMatchObject(refused("EntityTooSmall", 400));
    await expect(complete(two, one)).rejects.toMatchObject(refused("InvalidPartOrder", 400));
    await expect(complete({ ...one, ETag: two.ETag })).rejects.toMatchObject(
      refused("InvalidPart", 400),
    );
    await expect(complete({ ...one, PartNumber: 7 })).rejects.toMatchObject(
      refused("InvalidPart", 400),
    );
    await expect(complete()).rejects.toMatchObject(refused("MalformedXML", 400));
    await expect(send(0, random.bytes(1))).rejects.toMatchObject(refused("InvalidArgument", 400));
    await expect(send(10_001, random.bytes(1))).rejects.toMatchObject(
      refused("InvalidArgument", 400),
    );
    const listed = await client.send(new s3.ListMultipartUploadsCommand({ Bucket }));
    expect(listed.Uploads?.map(({ Key }) => Key)).toEqual(["bad"]);
    await client.send(new s3.AbortMultipartUploadCommand(upload));
    await expect(complete(one)).rejects.toMatchObject(refused("NoSuchUpload", 404));
    await expect(bytesOf("bad")).rejects.toMatchObject(refused("NoSuchKey", 404));
  });
});

describe("listing", () => {
  const listBucket = "list-bucket";
  const keys = ["a", "b/1", "b/2", "b/c/3", "d", "é", "\u{1F600}"];
  beforeAll(async () => {
    await client.send(new s3.CreateBucketCommand({ Bucket: listBucket }));
    for (const Key of keys)
      await client.send(new s3.PutObjectCommand({ Bucket: listBucket, Key, Body: "x" }));
  });

  test.each([1, 2, 3, 1000])("both versions, %i keys a page", async (size) => {
    const rows: string[] = [];
    let token: string | undefined;
    do {
      const page: s3.ListObjectsV2CommandOutput = await client.send(
        new s3.ListObjectsV2Command({
          Bucket: listBucket,
          Delimiter: "/",
          MaxKeys: size,
          ContinuationToken: token,
        }),
      );
      expect(page.KeyCount).toBeLessThanOrEqual(size);
      rows.push(
        ...(page.Contents ?? []).map(({ Key = "" }) => Key),
        ...(page.CommonPrefixes ?? []).map(({ Prefix = "" }) => Prefix),
      );
      token = page.NextContinuationToken;
    } while (token !== undefined);
    expect(rows.sort()).toEqual(["a", "b/", "d", "é", "\u{1F600}"].sort());

    const old: string[] = [];
    let marker: string | undefined;
    do {
      const page: s3.ListObjectsCommandOutput = await client.send(
        new s3.ListObjectsCommand({ Bucket: listBucket, MaxKeys: size, Marker: marker }),
      );
      old.push(...(page.Contents ?? []).map(({ Key = "" }) => Key));
      marker = page.IsTruncated === true ? old.at(-1) : undefined;
    } while (marker !== undefined);
    expect(old).toEqual(keys);
  });

  test("parameters", async () => {
    const list = (more: Partial<s3.ListObjectsV2CommandInput>) =>
      client.send(new s3.ListObjectsV2Command({ Bucket: listBucket, ...more }));
    expect((await list({ StartAfter: "b/2" })).Contents?.map(({ Key }) => Key)).toEqual(
      keys.slice(3),
    );
    expect((await list({ Prefix: "b/" })).KeyCount).toBe(3);
    expect((await list({ MaxKeys: 0 })).IsTruncated).toBe(false);
    expect((await list({ Prefix: "é", EncodingType: "url" })).Contents?.[0]?.Key).toBe("%C3%A9");
    expect((await list({ FetchOwner: true })).Contents?.[0]?.Owner).toEqual({
      ID: "user-1",
      DisplayName: "Tester",
    });
    await expect(list({ MaxKeys: -1 })).rejects.toMatchObject(refused("InvalidArgument", 400));
    await expect(list({ ContinuationToken: "%%%" })).rejects.toMatchObject(
      refused("InvalidArgument", 400),
    );
    await expect(list({ EncodingType: "xyz" as "url" })).rejects.toMatchObject(
      refused("InvalidArgument", 400),
    );
  });

  test("many keys deleted at once", async () => {
    const Objects = [...keys, "never-there"].map((Key) => ({ Key }));
    const done = await client.send(
      new s3.DeleteObjectsCommand({ Bucket: listBucket, Delete: { Objects } }),
    );
    expect(done.Deleted?.length).toBe(Objects.length);
    expect(done.Errors).toBeUndefined();
    await client.send(
      new s3.CreateMultipartUploadCommand({ Bucket: listBucket, Key: "unfinished" }),
    );
    await client.send(new s3.DeleteBucketCommand({ Bucket: listBucket }));
    await expect(
      client.send(new s3.HeadBucketCommand({ Bucket: listBucket })),
    ).rejects.toMatchObject({
      $metadata: expect.objectContaining({ httpStatusCode: 404 }),
    });
  });
});

describe("buckets", () => {
  test("what cannot be created", async () => {
    const create = (name: string, who = client) =>
      who.send(new s3.CreateBucketCommand({ Bucket: name }));
    await expect(create(Bucket)).resolves.toMatchObject({ Location: `/${Bucket}` });
    await expect(
      client.send(new s3.CreateBucketCommand({ Bucket, ACL: "public-read" })),
    ).rejects.toMatchObject(refused("BucketAlreadyExists", 409));
    await expect(create(Bucket, clientOf(other))).rejects.toMatchObject(
      refused("BucketAlreadyExists", 409),
    );
    await expect(create("metrics")).rejects.toMatchObject(refused("InvalidBucketName", 400));
    await expect(
      client.send(
        new s3.CreateBucketCommand({
          Bucket: "elsewhere",
          CreateBucketConfiguration: { LocationConstraint: "eu-west-1" },
        }),
      ),
    ).rejects.toMatchObject(refused("InvalidLocationConstraint", 400));
    await expect(client.send(new s3.DeleteBucketCommand({ Bucket }))).rejects.toMatchObject(
      refused("BucketNotEmpty", 409),
    );
  });

  test("everyone sees their own, and no one else's", async () => {
    const stranger = clientOf(other);
    expect(
      (await client.send(new s3.ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name),
    ).toEqual([Bucket]);
    expect((await stranger.send(new s3.ListBucketsCommand({}))).Buckets ?? []).toEqual([]);
    await expect(stranger.send(new s3.ListObjectsV2Command({ Bucket }))).rejects.toMatchObject(
      refused("AccessDenied", 403),
    );
    await expect(
      stranger.send(new s3.DeleteObjectCommand({ Bucket, Key: "said" })),
    ).rejects.toMatchObject(refused("AccessDenied", 403));
    await expect(
      stranger.send(new s3.GetObjectCommand({ Bucket: "nowhere", Key: "x" })),
    ).rejects.toMatchObject(refused("NoSuchBucket", 404));
  });

  test("settings that nobody made, and those that cannot be made", async () => {
    expect(
      (await client.send(new s3.GetBucketVersioningCommand({ Bucket }))).Status,
    ).toBeUndefined();
    expect(
      (await client.send(new s3.GetBucketLocationCommand({ Bucket }))).LocationConstraint,
    ).toBeUndefined();
    await expect(client.send(new s3.GetBucketPolicyCommand({ Bucket }))).rejects.toMatchObject(
      refused("NoSuchBucketPolicy", 404),
    );
    const accelerate = new s3.PutBucketAccelerateConfigurationCommand({
      Bucket,
      AccelerateConfiguration: { Status: "Enabled" },
    });
    await expect(client.send(accelerate)).rejects.toMatchObject(refused("NotImplemented", 501));
  });

  test("the wrong region is told the right one", async () => {
    const far = clientOf(user, "eu-west-1");
    await expect(far.send(new s3.ListBucketsCommand({}))).rejects.toMatchObject({
      name: "AuthorizationHeaderMalformed",
      Region: "us-east-1",
    });
  });
});
