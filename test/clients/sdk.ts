/** @aws-sdk/client-s3: streams, pages, an upload that is resumed, versions, copies, presigning's needs. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import * as aws from "@aws-sdk/client-s3";

const Bucket = "sdk-tour";
const MIB = 2 ** 20;
const s3 = new aws.S3Client({ forcePathStyle: true, region: "us-east-1" });
const bytesOf = async (Key: string, VersionId?: string) => {
  const { Body } = await s3.send(new aws.GetObjectCommand({ Bucket, Key, VersionId }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
};
const put = (Key: string, Body: string | Buffer) =>
  s3.send(new aws.PutObjectCommand({ Bucket, Key, Body }));

await s3.send(new aws.CreateBucketCommand({ Bucket }));

// Keys that are hard to sign, and pages of them.
const odd = [
  "a b",
  "ünï/çödé/日本/🙂",
  "..",
  "x/../y",
  "//",
  "+%2B&=?#",
  "'()*!~",
  "tab\tnewline\n",
];
for (const key of odd) await put(key, key);
for (const key of odd) assert.equal((await bytesOf(key)).toString(), key);
const listed: string[] = [];
for await (const page of aws.paginateListObjectsV2({ client: s3, pageSize: 3 }, { Bucket }))
  for (const { Key } of page.Contents ?? []) listed.push(Key ?? "");
assert.deepEqual(
  listed,
  [...odd].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
);

// A stream of known length, with a checksum behind it.
const big = randomBytes(12 * MIB + 5);
const stream = Readable.from([big.subarray(0, 5), big.subarray(5, 7 * MIB), big.subarray(7 * MIB)]);
const ContentLength = big.length;
await s3.send(new aws.PutObjectCommand({ Bucket, Key: "stream", Body: stream, ContentLength }));
assert.equal(Buffer.compare(await bytesOf("stream"), big), 0);

// An upload that one client begins and another, which knows nothing, ends.
const { UploadId } = await s3.send(new aws.CreateMultipartUploadCommand({ Bucket, Key: "parts" }));
const part = (PartNumber: number) =>
  big.subarray((PartNumber - 1) * 5 * MIB, Math.min(PartNumber * 5 * MIB, big.length));
const upload = { Bucket, Key: "parts", UploadId };
const send = (PartNumber: number) =>
  s3.send(new aws.UploadPartCommand({ ...upload, PartNumber, Body: part(PartNumber) }));
await send(1);
await send(3);
const found = await s3.send(new aws.ListMultipartUploadsCommand({ Bucket, Prefix: "parts" }));
assert.equal(found.Uploads?.[0]?.UploadId, UploadId);
const there = await s3.send(new aws.ListPartsCommand(upload));
assert.deepEqual(
  there.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size]),
  [1, 3].map((n) => [n, part(n).length]),
);
await send(2);
const { Parts = [] } = await s3.send(new aws.ListPartsCommand(upload));
const MultipartUpload = { Parts: Parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag })) };
await s3.send(new aws.CompleteMultipartUploadCommand({ ...upload, MultipartUpload }));
assert.equal(Buffer.compare(await bytesOf("parts"), big), 0);
const second = await s3.send(new aws.GetObjectCommand({ Bucket, Key: "parts", PartNumber: 2 }));
assert.equal(second.PartsCount, 3);
const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");
assert.equal(md5((await second.Body?.transformToByteArray()) ?? Buffer.of()), md5(part(2)));

// Versions, a copy of an old one, tags.
await s3.send(
  new aws.PutBucketVersioningCommand({
    Bucket,
    VersioningConfiguration: { Status: "Enabled" },
  }),
);
const first = await put("v", "one");
await put("v", "two");
await s3.send(new aws.DeleteObjectCommand({ Bucket, Key: "v" }));
await assert.rejects(bytesOf("v"), { name: "NoSuchKey" });
assert.equal((await bytesOf("v", first.VersionId)).toString(), "one");
const CopySource = `${Bucket}/v?versionId=${first.VersionId}`;
await s3.send(new aws.CopyObjectCommand({ Bucket, Key: "v", CopySource }));
const copied = await s3.send(new aws.GetObjectCommand({ Bucket, Key: "v" }));
assert.equal(await text(copied.Body as Readable), "one");
const TagSet = [{ Key: "colour", Value: "green" }];
await s3.send(new aws.PutObjectTaggingCommand({ Bucket, Key: "v", Tagging: { TagSet } }));
const tags = await s3.send(new aws.GetObjectTaggingCommand({ Bucket, Key: "v" }));
assert.deepEqual(tags.TagSet, TagSet);

// Everything goes, versions and markers too, and then the bucket.
await assert.rejects(s3.send(new aws.DeleteBucketCommand({ Bucket })), { name: "BucketNotEmpty" });
const all: aws.ObjectIdentifier[] = [];
let KeyMarker: string | undefined;
let VersionIdMarker: string | undefined;
do {
  const page = await s3.send(
    new aws.ListObjectVersionsCommand({ Bucket, MaxKeys: 2, KeyMarker, VersionIdMarker }),
  );
  for (const { Key, VersionId } of [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])])
    all.push({ Key: Key ?? "", VersionId });
  KeyMarker = page.NextKeyMarker;
  VersionIdMarker = page.NextVersionIdMarker;
} while (KeyMarker !== undefined);
const gone = await s3.send(new aws.DeleteObjectsCommand({ Bucket, Delete: { Objects: all } }));
assert.equal(gone.Errors, undefined);
assert.equal(gone.Deleted?.length, odd.length + 2 + 4);
await s3.send(new aws.DeleteBucketCommand({ Bucket }));
