import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateBucketCommand,
  ListBucketsCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Store } from "../../client/store.ts";
import { ROOT_USER } from "../../gateway/identity.ts";
import { type RunningGateway, runGateway } from "../../test/gateway-running.ts";
import { addUser, memoryStore } from "../../test/memory-store.ts";
import { readUsersFile } from "../serve/users-file.ts";

const root = { accessKey: "ROOTKEY", secretKey: "root-secret-key" };
let store: Store;
let running: RunningGateway;

beforeAll(async () => {
  store = await memoryStore();
  await addUser(store, { id: ROOT_USER, displayName: "root" }, root);
  running = await runGateway(store);
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
});

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function quarry(keys: typeof root, ...words: string[]): Promise<Ran> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "../bin.mjs"), ...words], {
    env: {
      ...process.env,
      AWS_ENDPOINT_URL: running.endpoint,
      AWS_ACCESS_KEY_ID: keys.accessKey,
      AWS_SECRET_ACCESS_KEY: keys.secretKey,
    },
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (text) => (out += text));
  child.stderr.on("data", (text) => (err += text));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, out, err };
}

function clientOf(keys: { readonly accessKey: string; readonly secretKey: string }): S3Client {
  const credentials = { accessKeyId: keys.accessKey, secretAccessKey: keys.secretKey };
  return new S3Client({
    endpoint: running.endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials,
  });
}

const listBuckets = (keys: { accessKey: string; secretKey: string }) =>
  clientOf(keys).send(new ListBucketsCommand({}));

test("a user is made, works within the quota, gets new keys, and goes", async () => {
  const added = await quarry(root, "admin", "user", "add", "ada", "--max-bytes", "1KiB", "--json");
  expect(added.err).toBe("");
  const ada = JSON.parse(added.out) as { id: string; accessKey: string; secretKey: string };
  const client = clientOf(ada);
  await client.send(new CreateBucketCommand({ Bucket: "adas" }));
  const put = (bytes: number) =>
    client.send(new PutObjectCommand({ Bucket: "adas", Key: "k", Body: Buffer.alloc(bytes) }));
  await put(1024);
  await expect(put(1025)).rejects.toMatchObject({ name: "QuotaExceeded" });

  const bare = await quarry(root, "admin", "user", "quota", "ada");
  expect(bare).toMatchObject({ code: 2, err: expect.stringContaining("--none") });
  const wider = await quarry(root, "admin", "user", "quota", "ada", "--max-bytes", "2KiB");
  expect(wider.out).toBe("ada may hold 2.0 KiB\n");
  await put(1025);
  expect((await quarry(root, "admin", "user", "ls")).out).toContain("at most 2.0 KiB\n");
  await quarry(root, "admin", "user", "quota", "ada", "--none");
  await put(4096);

  const twice = await quarry(root, "admin", "user", "add", "ada");
  expect(twice).toMatchObject({ code: 1, err: "quarry: there is a user ada already\n" });
  const rotated = await quarry(root, "admin", "user", "rotate", "ada", "--json");
  const fresh = JSON.parse(rotated.out) as typeof ada;
  await expect(listBuckets(ada)).rejects.toMatchObject({ name: "InvalidAccessKeyId" });
  expect((await listBuckets(fresh)).Buckets?.map(({ Name }) => Name)).toEqual(["adas"]);

  const refused = await quarry(root, "admin", "user", "rm", "ada");
  expect(refused.err).toContain("owns 1 buckets; remove them first");
  await store.names.execute({ type: "deleteObject", bucket: "adas", key: "k" });
  await store.names.execute({ type: "deleteBucket", bucket: "adas" });
  expect((await quarry(root, "admin", "user", "rm", "ada")).out).toBe("removed ada\n");
  await expect(listBuckets(fresh)).rejects.toMatchObject({ name: "InvalidAccessKeyId" });
  const listed = await quarry(root, "admin", "user", "ls");
  expect(listed.out).toContain("root");
  expect(listed.out).not.toContain("ada");
});

test("the root user does not go", async () => {
  const ran = await quarry(root, "admin", "user", "rm", ROOT_USER);
  expect(ran.code).not.toBe(0);
  expect((await quarry(root, "admin", "user", "ls")).code).toBe(0);
});

test("only the root user makes users", async () => {
  const other = { accessKey: "AKTEST", secretKey: "not/a+secret" };
  const refused = await quarry(other, "admin", "user", "add", "eve");
  expect(refused).toMatchObject({
    code: 3,
    err: "quarry: only the root user may do this: use root's keys\n",
  });
});

test("a bucket's quota counts versions and can be lifted", async () => {
  await store.names.execute({ type: "createBucket", bucket: "narrow", owner: ROOT_USER });
  const set = await quarry(root, "admin", "quota", "s3://narrow", "--objects", "1");
  expect(set.out).toBe("s3://narrow may hold 1 object\n");
  const put = (Key: string) =>
    clientOf(root).send(new PutObjectCommand({ Bucket: "narrow", Key, Body: "x" }));
  await put("one");
  await expect(put("two")).rejects.toMatchObject({ name: "QuotaExceeded" });
  await quarry(root, "admin", "quota", "s3://narrow", "--none");
  await put("two");
});

test("a users file says what is wrong with it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "quarry-users-"));
  const path = join(folder, "users.json");
  const user = { id: "u", displayName: "U", accessKey: "AKU", secretKey: "long-enough" };
  const read = async (text: string) => {
    await writeFile(path, text);
    return await readUsersFile(path);
  };
  expect(await read(JSON.stringify([user]))).toEqual([
    { user: { id: "u", displayName: "U" }, key: { accessKey: "AKU", secretKey: "long-enough" } },
  ]);
  await expect(read("{")).rejects.toThrow("this is no JSON");
  await expect(read(JSON.stringify([{ ...user, secretKey: "short" }]))).rejects.toThrow(
    "secretKey",
  );
  await expect(read(JSON.stringify([{ ...user, id: 1 }]))).rejects.toThrow(
    /users.json: 0\.id: [^\n]*string[^\n]*$/,
  );
  await expect(read(JSON.stringify([{ ...user, colour: "red" }]))).rejects.toThrow("colour");
  await expect(read(JSON.stringify([{ ...user, id: ROOT_USER }]))).rejects.toThrow("root user");
  await rm(folder, { recursive: true });
});

test("the file that docs/users.md shows is one", async () => {
  const page = await readFile(join(import.meta.dirname, "../../docs/users.md"), "utf8");
  const shown = /^```json\n(.*?)^```$/ms.exec(page)?.[1] ?? "";
  const folder = await mkdtemp(join(tmpdir(), "quarry-users-"));
  await writeFile(join(folder, "users.json"), shown);
  expect(await readUsersFile(join(folder, "users.json"))).toMatchObject([
    { user: { id: "ada", quota: { buckets: 10 } }, key: { accessKey: "ADASACCESSKEY" } },
  ]);
  await rm(folder, { recursive: true });
});
