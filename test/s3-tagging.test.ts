/** Tags as @aws-sdk/client-s3 sees them. */
import * as s3 from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { other, type RunningGateway, runGateway, user } from "./gateway-running.ts";
import { memoryStore } from "./memory-store.ts";

const Bucket = "tagged-bucket";
let running: RunningGateway;
let client: s3.S3Client;
let stranger: s3.S3Client;

const clientOf = (who: typeof user) =>
  new s3.S3Client({
    endpoint: running.endpoint,
    region: who.region,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: who.accessKey, secretAccessKey: who.secretKey },
  });

beforeAll(async () => {
  running = await runGateway(await memoryStore());
  client = clientOf(user);
  stranger = clientOf(other);
  await client.send(new s3.CreateBucketCommand({ Bucket }));
});
afterAll(async () => {
  client.destroy();
  stranger.destroy();
  await running.gateway.close();
});

const refused = (name: string, status: number) => ({
  name,
  $metadata: expect.objectContaining({ httpStatusCode: status }),
});
const tagsNumbered = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ Key: `k${i}`, Value: "" }));

test("an object", async () => {
  const Key = "tagged";
  await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "x", Tagging: "a=1&b=2" }));
  const tagsNow = async () =>
    (await client.send(new s3.GetObjectTaggingCommand({ Bucket, Key }))).TagSet;
  expect(await tagsNow()).toEqual([
    { Key: "a", Value: "1" },
    { Key: "b", Value: "2" },
  ]);
  const TagSet = [{ Key: "ü", Value: "" }];
  await client.send(new s3.PutObjectTaggingCommand({ Bucket, Key, Tagging: { TagSet } }));
  expect(await tagsNow()).toEqual(TagSet);
  expect((await client.send(new s3.HeadObjectCommand({ Bucket, Key }))).TagCount).toBe(1);
  await expect(
    client.send(
      new s3.PutObjectTaggingCommand({ Bucket, Key, Tagging: { TagSet: tagsNumbered(11) } }),
    ),
  ).rejects.toMatchObject(refused("InvalidTag", 400));
  await client.send(new s3.DeleteObjectTaggingCommand({ Bucket, Key }));
  expect(await tagsNow()).toEqual([]);
  expect((await client.send(new s3.HeadObjectCommand({ Bucket, Key }))).TagCount).toBeUndefined();
  await expect(
    client.send(new s3.GetObjectTaggingCommand({ Bucket, Key: "not there" })),
  ).rejects.toMatchObject(refused("NoSuchKey", 404));
  await expect(
    stranger.send(new s3.GetObjectTaggingCommand({ Bucket, Key })),
  ).rejects.toMatchObject(refused("AccessDenied", 403));
});

test("a bucket", async () => {
  const TagSet = [{ Key: "cost/centre", Value: "7" }];
  const bucketTags = () => client.send(new s3.GetBucketTaggingCommand({ Bucket }));
  await expect(bucketTags()).rejects.toMatchObject(refused("NoSuchTagSet", 404));
  await client.send(new s3.PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
  expect((await bucketTags()).TagSet).toEqual(TagSet);
  await expect(
    client.send(new s3.PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: tagsNumbered(51) } })),
  ).rejects.toMatchObject(refused("BadRequest", 400));
  await client.send(new s3.DeleteBucketTaggingCommand({ Bucket }));
  await expect(bucketTags()).rejects.toMatchObject(refused("NoSuchTagSet", 404));
});

test("each version has its own, and a delete marker has none", async () => {
  const Bucket = "versioned-tags";
  const Key = "key";
  await client.send(new s3.CreateBucketCommand({ Bucket }));
  const VersioningConfiguration = { Status: "Enabled" } as const;
  await client.send(new s3.PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  const write = async () =>
    (await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "x" }))).VersionId ?? "";
  const [older, newer] = [await write(), await write()];
  const TagSet = [{ Key: "of", Value: "older" }];
  const tagged = await client.send(
    new s3.PutObjectTaggingCommand({ Bucket, Key, VersionId: older, Tagging: { TagSet } }),
  );
  expect(tagged.VersionId).toBe(older);
  const tagsOf = (VersionId?: string) =>
    client.send(new s3.GetObjectTaggingCommand({ Bucket, Key, ...(VersionId && { VersionId }) }));
  expect(await tagsOf(older)).toMatchObject({ TagSet, VersionId: older });
  expect(await tagsOf()).toMatchObject({ TagSet: [], VersionId: newer });
  const { VersionId: marker = "" } = await client.send(new s3.DeleteObjectCommand({ Bucket, Key }));
  await expect(tagsOf()).rejects.toMatchObject(refused("NoSuchKey", 404));
  await expect(tagsOf(marker)).rejects.toMatchObject(refused("MethodNotAllowed", 405));
  const markerTags = { Bucket, Key, VersionId: marker, Tagging: { TagSet } };
  await expect(client.send(new s3.PutObjectTaggingCommand(markerTags))).rejects.toMatchObject(
    refused("MethodNotAllowed", 405),
  );
  const removed = await client.send(
    new s3.DeleteObjectTaggingCommand({ Bucket, Key, VersionId: older }),
  );
  expect(removed.VersionId).toBe(older);
  expect((await tagsOf(older)).TagSet).toEqual([]);
});
