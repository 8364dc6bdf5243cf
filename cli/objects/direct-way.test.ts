import { buffer } from "node:stream/consumers";
import { S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { crc32c } from "../../base/checksum.ts";
import type { Store } from "../../client/store.ts";
import { type RunningGateway, runGateway, user } from "../../test/gateway-running.ts";
import { memoryStore } from "../../test/memory-store.ts";
import { crcText } from "./checksum-text.ts";
import { DirectWay } from "./direct-way.ts";

let store: Store;
let running: RunningGateway;

beforeAll(async () => {
  store = await memoryStore();
  running = await runGateway(store);
  await store.names.execute({ type: "createBucket", bucket: "bucket", owner: "user-1" });
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
});

function wayOf(secretAccessKey: string): DirectWay {
  const client = new S3Client({
    endpoint: running.endpoint,
    region: user.region,
    forcePathStyle: true,
    credentials: { accessKeyId: user.accessKey, secretAccessKey },
  });
  const way = DirectWay.to(client, running.endpoint, true);
  if (way === undefined) throw new Error("there is a direct way to this store");
  return way;
}

const hard = [
  "plain",
  "a b",
  "ünï/çödé 日本 🙂",
  "..",
  "x/../y",
  "//",
  "+%2B&=?#",
  "'()*!~",
  "end/",
];

test.each(hard)("goes there and back: %j", async (key) => {
  const way = wayOf(user.secretKey);
  const body = Buffer.from(`content of ${key}`);
  const put = await way.put({ bucket: "bucket", key }, body, crcText(crc32c(body)), "text/x");
  expect(put?.["x-amz-checksum-crc32c"]).toBe(crcText(crc32c(body)));
  const { object } = await store.open({ bucket: "bucket", key });
  expect(object).toMatchObject({ key, attributes: { contentType: "text/x" } });
  const got = await way.get({ bucket: "bucket", key });
  expect(got?.headers["x-amz-checksum-crc32c"]).toBe(crcText(crc32c(body)));
  expect(got === undefined ? undefined : await buffer(got.body)).toEqual(body);
});

test("whatever is no plain success is left to the SDK", async () => {
  const body = Buffer.from("x");
  const to = { bucket: "bucket", key: "refused" };
  expect(await wayOf("wrong-secret").get(to)).toBeUndefined();
  expect(await wayOf(user.secretKey).get({ bucket: "bucket", key: "none" })).toBeUndefined();
  const wrong = crcText(crc32c(Buffer.from("y")));
  expect(await wayOf(user.secretKey).put(to, body, wrong, undefined)).toBeUndefined();
  await expect(store.open(to)).rejects.toMatchObject({ code: "NoSuchKey" });
});

test("none to AWS itself, nor where the bucket is in the host name", () => {
  const client = new S3Client({ region: "eu-central-1" });
  expect(DirectWay.to(client, "https://s3.eu-central-1.amazonaws.com", true)).toBeUndefined();
  expect(DirectWay.to(client, "http://store.example", false)).toBeUndefined();
});
