/** Deletes of one and of many, on conditions, as @aws-sdk/client-s3 sees them; what is held then. */
import * as s3 from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refused, SdkSession } from "./sdk-session.ts";

let session: SdkSession;

beforeAll(async () => {
  session = await SdkSession.open();
});
afterAll(async () => {
  await session[Symbol.asyncDispose]();
});

describe("deletes on conditions", () => {
  const failed = refused("PreconditionFailed", 412);

  test.each(["name", "version"] as const)("of a %s", async (what) => {
    const Bucket = await session.newBucket("Enabled");
    const { VersionId = "", ETag = "" } = await session.put(Bucket, "k", "12345");
    if (what === "version") await session.put(Bucket, "k", "another");
    const { LastModified = new Date(0) } = await session.client.send(
      new s3.HeadObjectCommand({ Bucket, Key: "k", VersionId }),
    );
    const at = what === "version" ? { VersionId } : {};
    for (const wrong of [
      { IfMatch: '"other"' },
      { IfMatchSize: 4 },
      { IfMatchLastModifiedTime: new Date(LastModified.getTime() - 1000) },
      { IfMatch: ETag, IfMatchSize: 6 },
    ])
      await expect(session.remove(Bucket, "k", { ...at, ...wrong })).rejects.toMatchObject(failed);
    const right = { IfMatch: ETag, IfMatchSize: 5, IfMatchLastModifiedTime: LastModified };
    const done = await session.remove(Bucket, "k", { ...at, ...right });
    expect(done.DeleteMarker).toBe(what === "name" ? true : undefined);
    // Of a delete marker only "*" matches; what is not there at all is deleted already.
    if (what === "version") await session.remove(Bucket, "k", { ...at, IfMatch: '"other"' });
    else {
      await expect(session.remove(Bucket, "k", { IfMatch: ETag })).rejects.toMatchObject(failed);
      await expect(
        session
          .put(Bucket, "k", "x")
          .then(() =>
            session.client.send(new s3.PutObjectCommand({ Bucket, Key: "k", IfNoneMatch: "*" })),
          ),
      ).rejects.toMatchObject(failed);
    }
    expect(await session.remove(Bucket, "never", { IfMatch: "*" })).not.toHaveProperty(
      "DeleteMarker",
    );
  });

  test("a name that a delete marker hides can be written as a new one", async () => {
    const Bucket = await session.newBucket("Enabled");
    await session.put(Bucket, "k", "x");
    await session.remove(Bucket, "k");
    const write = (more: Partial<s3.PutObjectCommandInput>) =>
      session.client.send(new s3.PutObjectCommand({ Bucket, Key: "k", Body: "y", ...more }));
    await expect(write({ IfMatch: "*" })).rejects.toMatchObject(refused("NoSuchKey", 404));
    await write({ IfNoneMatch: "*" });
    await expect(write({ IfNoneMatch: "*" })).rejects.toMatchObject(failed);
  });

  test("bad conditions are refused, not passed over", async () => {
    const Bucket = await session.newBucket();
    await session.put(Bucket, "k", "x");
    for (const [name, value] of [
      ["x-amz-if-match-size", "many"],
      ["x-amz-if-match-last-modified-time", "some day"],
    ] as const) {
      const answer = await session.plain("DELETE", `/${Bucket}/k`, { [name]: value });
      expect(answer.status).toBe(400);
    }
    expect((await session.read(Bucket, "k")).body).toBe("x");
  });

  test("who may write but not read learns nothing, and takes no version away", async () => {
    const Bucket = await session.newBucket("Enabled");
    const grant = new s3.PutBucketAclCommand({ Bucket, GrantWrite: "id=user-2" });
    await session.client.send(grant);
    const { VersionId, ETag = "" } = await session.put(Bucket, "k", "x");
    const write = (more: Partial<s3.PutObjectCommandInput>) =>
      session.stranger.send(new s3.PutObjectCommand({ Bucket, Key: "k", Body: "y", ...more }));
    const drop = (more: Partial<s3.DeleteObjectCommandInput>) =>
      session.stranger.send(new s3.DeleteObjectCommand({ Bucket, Key: "k", ...more }));
    const denied = refused("AccessDenied", 403);
    await expect(write({ IfMatch: ETag })).rejects.toMatchObject(denied);
    await expect(write({ IfNoneMatch: ETag })).rejects.toMatchObject(denied);
    await expect(write({ IfNoneMatch: "*" })).rejects.toMatchObject(failed);
    await expect(drop({ IfMatch: ETag })).rejects.toMatchObject(denied);
    await expect(drop({ VersionId })).rejects.toMatchObject(denied);
    const Objects = [{ Key: "k", VersionId }, { Key: "k", Size: 1 }, { Key: "k" }];
    const { Errors, Deleted } = await session.stranger.send(
      new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects } }),
    );
    expect(Errors?.map(({ Code }) => Code)).toEqual(["AccessDenied", "AccessDenied"]);
    expect(Deleted).toMatchObject([{ Key: "k", DeleteMarker: true }]);
    expect((await session.read(Bucket, "k", VersionId)).body).toBe("x");
  });

  test("many at once, each with its own outcome", async () => {
    const Bucket = await session.newBucket("Enabled");
    const a = await session.put(Bucket, "a", "1");
    const b = await session.put(Bucket, "b", "22");
    const { VersionId: marker } = await session.remove(Bucket, "c");
    const Objects = [
      { Key: "a", VersionId: a.VersionId, ETag: '"wrong"' },
      { Key: "a", ETag: a.ETag, Size: 1 },
      { Key: "b", Size: 3 },
      { Key: "b", VersionId: b.VersionId, LastModifiedTime: new Date(0) },
      { Key: "c", VersionId: marker },
      { Key: "never", ETag: "*" },
      { Key: "d\u0001\r\n&" },
    ];
    const done = await session.client.send(
      new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects } }),
    );
    const errors = done.Errors?.map(({ Key, VersionId, Code }) => [Key, VersionId, Code]);
    expect(errors).toEqual([
      ["a", a.VersionId, "PreconditionFailed"],
      ["b", undefined, "PreconditionFailed"],
      ["b", b.VersionId, "PreconditionFailed"],
    ]);
    const [deletedA, deletedC, never, strange] = done.Deleted ?? [];
    expect(deletedA).toMatchObject({ Key: "a", DeleteMarker: true });
    expect(deletedC).toEqual({
      Key: "c",
      VersionId: marker,
      DeleteMarker: true,
      DeleteMarkerVersionId: marker,
    });
    expect(never).toEqual({ Key: "never" });
    expect(strange).toMatchObject({ Key: "d\u0001\r\n&", DeleteMarker: true });
    const quiet = await session.client.send(
      new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "b" }], Quiet: true } }),
    );
    expect([quiet.Deleted, quiet.Errors]).toEqual([undefined, undefined]);
    expect((await session.versions(Bucket)).DeleteMarkers?.map(({ Key }) => Key)).toEqual([
      "a",
      "b",
      "d\u0001\r\n&",
    ]);
  });
});

test("what a bucket and a user hold", async () => {
  const Bucket = await session.newBucket("Enabled");
  await session.put(Bucket, "k", "123");
  await session.put(Bucket, "k", "12345");
  const { headers } = await session.plain("HEAD", `/${Bucket}?read-stats=true`);
  expect([headers.get("x-rgw-object-count"), headers.get("x-rgw-bytes-used")]).toEqual(["2", "8"]);
  expect((await session.plain("HEAD", `/${Bucket}`)).headers.has("x-rgw-object-count")).toBe(false);
  const usage = await (await session.plain("GET", "/?usage")).text();
  expect(usage).toContain("<QuotaMaxBytes>-1</QuotaMaxBytes>");
});
