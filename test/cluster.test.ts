import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Cluster } from "./cluster.ts";

const LONG_MS = 120_000;
const Bucket = "shared";
let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.found();
  await cluster.s3(1).send(new CreateBucketCommand({ Bucket }));
}, LONG_MS);
afterAll(async () => await cluster?.[Symbol.asyncDispose]());

async function put(gateway: number, Key: string, Body: string | Uint8Array): Promise<void> {
  await cluster.s3(gateway).send(new PutObjectCommand({ Bucket, Key, Body }));
}

async function get(gateway: number, Key: string): Promise<string> {
  const { Body } = await cluster.s3(gateway).send(new GetObjectCommand({ Bucket, Key }));
  return (await Body?.transformToString("latin1")) ?? "";
}

test(
  "what one gateway acknowledged, the other gives at once",
  async () => {
    for (let round = 0; round < 10; round++) {
      await put((round % 2) + 1, "key", `value ${round}`);
      expect(await get(((round + 1) % 2) + 1, "key")).toBe(`value ${round}`);
    }
    await cluster.s3(1).send(new DeleteObjectCommand({ Bucket, Key: "key" }));
    await expect(get(2, "key")).rejects.toThrow("key does not exist");
  },
  LONG_MS,
);
