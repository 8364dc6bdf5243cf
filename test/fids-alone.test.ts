/**
 * A cluster of processes whose nameservers are all gone: files are read by fid and stored as before, as
 * long as open blocks are known; what takes the metadata is refused, and goes on when they are back.
 */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { limits } from "../base/limits.ts";
import { seededRandom } from "../base/random.ts";
import { Cluster } from "./cluster.ts";
import { freePort, rootKeys } from "./server-process.ts";

const LONG_MS = 180_000;
const FILES = 12;
const LARGE_BYTES = 5_000_000;
const random = seededRandom(83);
const ports = [await freePort(), await freePort()];
const { accessKeyId, secretAccessKey } = rootKeys;
const authorization = `Basic ${Buffer.from(`${accessKeyId}:${secretAccessKey}`).toString("base64")}`;
let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.found({
    ...{ dataservers: 4, gateways: 2 },
    gatewayFlags: (n) => ["--fids", String(ports[n - 1])],
  });
  await using client = cluster.group.client();
  const change = { scheme: { k: 1, m: 1 } };
  await client.names.execute({ type: "changePool", pool: 0, change });
  await cluster.s3(1).send(new CreateBucketCommand({ Bucket: "shop" }));
}, LONG_MS);
afterAll(async () => await cluster?.[Symbol.asyncDispose]());

const at = (gateway: number, path = "") => `http://127.0.0.1:${ports[gateway - 1]}/v1/shop${path}`;
const some = (length: number) => Uint8Array.from(random.bytes(length));
const ask = (method: string, url: string, body?: Uint8Array<ArrayBuffer>) =>
  fetch(url, { method, headers: { authorization }, ...(body !== undefined && { body }) });

/** The name, or the status of the refusal. */
async function store(gateway: number, bytes: Uint8Array<ArrayBuffer>): Promise<string | number> {
  const answer = await ask("POST", at(gateway), bytes);
  const told = (await answer.json()) as { TFS_FILE_NAME?: string };
  return told.TFS_FILE_NAME ?? answer.status;
}

/** The MD5 of the bytes, or the status and the reason of the refusal. */
async function read(gateway: number, name: string | number): Promise<string> {
  const answer = await ask("GET", at(gateway, `/${name}`));
  const bytes = Buffer.from(await answer.arrayBuffer());
  return answer.ok ? md5(bytes) : `${answer.status} ${bytes}`;
}

const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");

test(
  "reading and storing go on without any nameserver",
  async () => {
    const files = new Map<string | number, Uint8Array<ArrayBuffer>>();
    for (let i = 0; i < FILES; i++) {
      const bytes = some(1000 + i * 40_000);
      files.set(await store(1, bytes), bytes);
    }
    const large = some(LARGE_BYTES);
    files.set(await store(1, large), large);
    const first = some(77);
    // The other gateway knows the bucket, an open block, and nothing of these files.
    files.set(await store(2, first), first);

    // What was learned when the gateways began is older than the dataservers here: used later, they ask again.
    await sleep(2 * limits.fidAppKeptMs);
    for (const gateway of [1, 2])
      for (let i = 0; i < 2; i++) files.set(await store(gateway, first), first);
    const nodes = [1, 2, 3];
    await Promise.all(nodes.map((node) => cluster.group.end(node, "SIGKILL")));
    for (const gateway of [1, 2])
      for (const [name, bytes] of files)
        expect([gateway, name, await read(gateway, name)]).toEqual([gateway, name, md5(bytes)]);
    for (const gateway of [1, 2, 1]) {
      const bytes = some(4096);
      const name = await store(gateway, bytes);
      expect(name).toMatch(/^T1/);
      files.set(name, bytes);
      expect(await read(3 - gateway, name)).toBe(md5(bytes));
    }
    const [name = ""] = files.keys();
    expect((await ask("DELETE", at(1, `/${name}`))).status).toBe(503);

    for (const node of nodes) cluster.group.start(node);
    await cluster.group.leader();
    await cluster.untilUp();
    for (const [one, bytes] of files) expect(await read(1, one)).toBe(md5(bytes));
    expect((await ask("DELETE", at(1, `/${name}`))).status).toBe(200);
    for (const gateway of [1, 2]) expect(await read(gateway, name)).toMatch(/^404/);
  },
  LONG_MS,
);
