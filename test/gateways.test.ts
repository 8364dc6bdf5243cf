/**
 * What one gateway acknowledged, every other knows at the very next request (INV-5): gateways are
 * processes of their own, and keep nothing of users, keys, buckets or lists.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort, rootKeys, type ServerProcess, startServer } from "./server-process.ts";
import type { Signer } from "./sign-request.ts";
import { tell } from "./tell.ts";

const region = "us-east-1";
const root: Signer = {
  accessKey: rootKeys.accessKeyId,
  secretKey: rootKeys.secretAccessKey,
  region,
};
const guest: Signer = { accessKey: "guest-key", secretKey: "guest-secret", region };
const ROUNDS = 8;

let data: string;
let server: ServerProcess;
/** The gateways that answered. */
const answered = new Set<string | null>();

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), "quarry-gateways-"));
  server = await startServer({ data, port: await freePort(), args: ["--gateways=2"] });
  await told(root, "POST", "/?quarry-admin=", { type: "putUser", user: named("guest") });
}, 60_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(data, { recursive: true, force: true });
  expect(answered.size).toBe(2);
});

const named = (id: string) => ({ id, displayName: id });

/** Each request on a connection of its own, so that now this gateway answers and now that. */
async function told(who: Signer, method: string, url: string, ...more: Rest): Promise<number> {
  const { status, host } = await tell(server.endpoint, who, method, url, ...more);
  answered.add(host);
  return status;
}
type Rest = [body?: object | string, headers?: Record<string, string>];

/** What several requests in a row are told, each at once after the one before. */
async function allTold(...request: Parameters<typeof told>): Promise<Set<number>> {
  const statuses = new Set<number>();
  for (let i = 0; i < 6; i++) statuses.add(await told(...request));
  return statuses;
}

const admin = (command: object) => told(root, "POST", "/?quarry-admin=", command);
const addKey = (secretKey = guest.secretKey) =>
  admin({ type: "putAccessKey", user: "guest", accessKey: guest.accessKey, secretKey });

test("keys that come, change and go", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    expect(await allTold(guest, "GET", "/")).toEqual(new Set([403]));
    await addKey();
    expect(await allTold(guest, "GET", "/")).toEqual(new Set([200]));
    await addKey("another-secret");
    expect(await allTold(guest, "GET", "/")).toEqual(new Set([403]));
    await admin({ type: "removeAccessKey", accessKey: guest.accessKey });
  }
});

test("lists, and buckets that go and come again", async () => {
  await addKey();
  for (let round = 0; round < ROUNDS; round++) {
    expect(await told(root, "PUT", "/shared")).toBe(200);
    expect(await allTold(guest, "GET", "/shared")).toEqual(new Set([403]));
    await told(root, "PUT", "/shared?acl=", "", { "x-amz-acl": "public-read-write" });
    expect(await allTold(guest, "PUT", "/shared/key", "bytes")).toEqual(new Set([200]));
    await told(root, "PUT", "/shared?acl=", "", { "x-amz-acl": "private" });
    expect(await allTold(guest, "PUT", "/shared/key", "bytes")).toEqual(new Set([403]));
    expect(await told(root, "DELETE", "/shared/key")).toBe(204);
    expect(await told(root, "DELETE", "/shared")).toBe(204);
    expect(await allTold(guest, "PUT", "/shared/key", "bytes")).toEqual(new Set([404]));
  }
});
