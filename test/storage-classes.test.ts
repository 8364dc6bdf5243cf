/** Storage classes as an S3 client sees them, and where their bytes go. */

import * as s3 from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { refused, type SdkGateway, sdkGateway } from "./sdk-gateway.ts";

const Bucket = "classes";
const COLD = "COLD" as s3.StorageClass;
let gateway: SdkGateway;

beforeAll(async () => {
  gateway = await sdkGateway(Bucket);
  await gateway.names.execute({ type: "createPool", name: "cold", settings: {} });
  const cold = { small: 0, large: 1, thresholdBytes: 1000 };
  await gateway.names.execute({
    type: "setStorageClass",
    storageClass: { name: COLD, ...cold },
  });
});
afterAll(() => gateway[Symbol.asyncDispose]());

/** Pools that the chunks of an object are in. */
async function poolsOf(key: string): Promise<number[]> {
  const { run } = await gateway.names.lookup({ bucket: Bucket, key, offset: 0 });
  const blocks = await Promise.all(
    (run?.chunks ?? []).map(({ block }) => gateway.names.locate(block)),
  );
  return [...new Set(blocks.map(({ pool }) => pool))];
}

test("an object has the class that it was given, and is where that says by its size", async () => {
  await gateway.put("small", Buffer.alloc(999, 1), { StorageClass: COLD });
  await gateway.put("large", Buffer.alloc(1000, 2), { StorageClass: COLD });
  await gateway.put("usual", Buffer.alloc(1000, 3));
  expect(await poolsOf("small")).toEqual([0]);
  expect(await poolsOf("large")).toEqual([1]);
  expect(await poolsOf("usual")).toEqual([0]);
  expect((await gateway.get("large")).StorageClass).toBe(COLD);
  expect((await gateway.head("large")).StorageClass).toBe(COLD);
  expect((await gateway.head("usual")).StorageClass).toBeUndefined();
  expect(await gateway.bytesOf("large")).toEqual(Buffer.alloc(1000, 2));
  const { Contents = [] } = await gateway.client.send(new s3.ListObjectsV2Command({ Bucket }));
  expect(Contents.map(({ Key, StorageClass }) => [Key, StorageClass])).toEqual([
    ["large", COLD],
    ["small", COLD],
    ["usual", "STANDARD"],
  ]);
});

test("parts go where the class of their upload says", async () => {
  const at = { Bucket, Key: "parts" };
  const { UploadId } = await gateway.client.send(
    new s3.CreateMultipartUploadCommand({ ...at, StorageClass: COLD }),
  );
  const { ETag } = await gateway.client.send(
    new s3.UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: Buffer.alloc(2000, 4) }),
  );
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  await gateway.client.send(
    new s3.CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload }),
  );
  expect(await poolsOf("parts")).toEqual([1]);
  expect((await gateway.head("parts")).StorageClass).toBe(COLD);
});

test("a class that there is not is refused, also of nothing, of an upload and of a copy", async () => {
  const StorageClass = "GLACIER";
  const none = (asked: Promise<unknown>) =>
    expect(asked).rejects.toMatchObject(refused("InvalidStorageClass", 400));
  await none(gateway.put("x", Buffer.alloc(5000), { StorageClass }));
  await none(gateway.put("x", "", { StorageClass }));
  await none(
    gateway.client.send(new s3.CreateMultipartUploadCommand({ Bucket, Key: "x", StorageClass })),
  );
  await gateway.put("y", "y");
  await none(gateway.copy(`${Bucket}/y`, "x", { StorageClass }));
});
