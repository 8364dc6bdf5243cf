/**
 * A cluster of processes: what one gateway acknowledged holds for the very next request at the other,
 * also while nameservers, dataservers and gateways die and come back.
 */
import { cp, mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCli } from "./cli-process.ts";
import { Cluster } from "./cluster.ts";
import { rootKeys } from "./server-process.ts";
import type { Signer } from "./sign-request.ts";
import { tell } from "./tell.ts";

const LONG_MS = 120_000;
const ROUNDS = 6;
const Bucket = "shared";
const region = "us-east-1";
const root: Signer = {
  ...{ accessKey: rootKeys.accessKeyId, secretKey: rootKeys.secretAccessKey },
  region,
};
const guest: Signer = { accessKey: "guest-key", secretKey: "guest-secret", region };
let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.found();
  await cluster.s3(1).send(new CreateBucketCommand({ Bucket }));
}, LONG_MS);
afterAll(async () => await cluster?.[Symbol.asyncDispose]());

async function put(gateway: number, Key: string, Body: string): Promise<void> {
  await cluster.s3(gateway).send(new PutObjectCommand({ Bucket, Key, Body }));
}

/** The content, or the status of the refusal. */
async function get(gateway: number, Key: string): Promise<string | number> {
  try {
    const { Body } = await cluster.s3(gateway).send(new GetObjectCommand({ Bucket, Key }));
    return (await Body?.transformToString()) ?? "";
  } catch (error) {
    return statusOf(error);
  }
}

function statusOf(error: unknown): number {
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
  if (status === undefined) throw error;
  return status;
}

/** Repeats what was refused for the moment, as a client of S3 does. */
async function patiently(attempt: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries++)
    try {
      await attempt();
      return;
    } catch (error) {
      if (statusOf(error) < 500 || tries > 50) throw error;
      await sleep(100);
    }
}

async function told(gateway: number, ...request: Told): Promise<number> {
  return (await tell(cluster.endpoint(gateway), ...request)).status;
}
type Told = Parameters<typeof tell> extends [string, ...infer Rest] ? Rest : never;

const admin = (gateway: number, command: object) =>
  told(gateway, root, "POST", "/?quarry-admin=", command);

test(
  "puts, overwrites and deletes at one gateway are seen by the next request at the other",
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const [here, there] = round % 2 === 0 ? [1, 2] : [2, 1];
      await put(here, "key", `value ${round}`);
      expect(await get(there, "key")).toBe(`value ${round}`);
      await cluster.s3(there).send(new DeleteObjectCommand({ Bucket, Key: "key" }));
      expect(await get(here, "key")).toBe(404);
    }
  },
  LONG_MS,
);

test(
  "so are keys and settings",
  async () => {
    const { accessKey, secretKey } = guest;
    await admin(1, { type: "putUser", user: { id: "guest", displayName: "Guest" } });
    await put(1, "open", "bytes");
    for (let round = 0; round < ROUNDS; round++) {
      const [here, there] = round % 2 === 0 ? [1, 2] : [2, 1];
      expect(await told(there, guest, "GET", "/")).toBe(403);
      await admin(here, { type: "putAccessKey", user: "guest", accessKey, secretKey });
      expect(await told(there, guest, "GET", "/")).toBe(200);
      expect(await told(there, guest, "GET", "/shared")).toBe(403);
      await told(here, root, "PUT", "/shared?acl=", "", { "x-amz-acl": "public-read" });
      expect(await told(there, guest, "GET", "/shared")).toBe(200);
      await told(here, root, "PUT", "/shared?acl=", "", { "x-amz-acl": "private" });
      expect(await told(there, guest, "GET", "/shared")).toBe(403);
      await admin(here, { type: "removeAccessKey", accessKey });
      expect(await told(there, guest, "GET", "/")).toBe(403);
    }
  },
  LONG_MS,
);

/** A command of who has the cluster's secret; gives what it printed. */
async function asOperator(env: NodeJS.ProcessEnv, ...words: readonly string[]): Promise<string> {
  const settings = { endpoint: cluster.endpoint(1), home: tmpdir(), env };
  const { code, out, err } = await startCli(settings, ...words, ...cluster.joining).ended;
  expect([code, err]).toEqual([0, ""]);
  return out;
}

test(
  "whoever has the secret sees the dataservers, and gives root another key",
  async () => {
    const lines = (await asOperator({}, "admin", "dataserver", "status", "--json")).trim();
    const devices = lines.split("\n").map((line) => JSON.parse(line));
    expect(devices.map(({ state }) => state)).toEqual(["ok", "ok"]);
    expect(devices.map(({ location }) => location.host).toSorted()).toEqual(["host-1", "host-2"]);
    await using folder = await mkdtempDisposable(join(tmpdir(), "quarry-root-"));
    const save = ["--save", join(folder.path, "key")];
    await asOperator({}, "admin", "root", ...save);
    expect(await told(1, root, "GET", "/")).toBe(403);
    expect(await told(2, root, "GET", "/")).toBe(403);
    const { accessKeyId, secretAccessKey } = rootKeys;
    const env = { QUARRY_ROOT_ACCESS_KEY: accessKeyId, QUARRY_ROOT_SECRET_KEY: secretAccessKey };
    await asOperator(env, "admin", "root", ...save);
    expect(await told(1, root, "GET", "/")).toBe(200);
    expect(await told(2, root, "GET", "/")).toBe(200);
  },
  LONG_MS,
);

test(
  "also while the leader is killed",
  async () => {
    let isOver = false;
    let acknowledged = 0;
    const running = [1, 2].map(async (here) => {
      const there = 3 - here;
      while (!isOver) {
        const value = `${here} ${acknowledged}`;
        await patiently(() => put(here, `mine-${here}`, value));
        acknowledged++;
        await patiently(async () => {
          const Key = `mine-${here}`;
          const { Body } = await cluster.s3(there).send(new GetObjectCommand({ Bucket, Key }));
          expect(await Body?.transformToString()).toBe(value);
        });
      }
    });
    const leader = await cluster.group.leader();
    await cluster.group.end(leader, "SIGKILL");
    const before = acknowledged;
    expect(await cluster.group.leader()).not.toBe(leader);
    await expect.poll(() => acknowledged, { timeout: 20_000 }).toBeGreaterThan(before + 10);
    cluster.group.start(leader);
    isOver = true;
    await Promise.all(running);
  },
  LONG_MS,
);

test(
  "a dataserver that dies takes its objects along until it is back, and hinders no write",
  async () => {
    const keys = Array.from({ length: 8 }, (_, n) => `spread-${n}`);
    // Each gateway writes to a device of its own choice for a while.
    for (const [n, key] of keys.entries()) await put((n % 2) + 1, key, key);
    await cluster.end("dataserver", 1, "SIGKILL");
    for (let n = 0; n < 4; n++) await put((n % 2) + 1, `meanwhile-${n}`, "new");
    for (let n = 0; n < 4; n++) expect(await get(1, `meanwhile-${n}`)).toBe("new");
    const found = await Promise.all(keys.map((key) => get(1, key)));
    for (const [n, answer] of found.entries()) expect([503, keys[n]]).toContain(answer);
    expect(found).toContain(503);
    cluster.start("dataserver", 1);
    await cluster.untilUp();
    for (const key of keys) await expect.poll(() => get(2, key), { timeout: 5_000 }).toBe(key);
  },
  LONG_MS,
);

test(
  "one that stands still is not waited for",
  async () => {
    await put(1, "still", "first");
    for (const n of cluster.dataservers) cluster.signal("dataserver", n, "SIGSTOP");
    expect(await get(1, "still")).toBe(503);
    await expect.poll(() => cluster.devicesUp(), { timeout: 20_000 }).toBe(0);
    expect(await get(2, "still")).toBe(503);
    await expect(put(2, "more", "bytes")).rejects.toThrow();
    cluster.signal("dataserver", 2, "SIGCONT");
    await expect.poll(() => cluster.devicesUp(), { timeout: 20_000 }).toBe(1);
    await patiently(() => put(2, "more", "bytes"));
    cluster.signal("dataserver", 1, "SIGCONT");
    await cluster.untilUp();
    await expect.poll(() => get(2, "still"), { timeout: 5_000 }).toBe("first");
  },
  LONG_MS,
);

/** What a dataserver that cannot start says, and its exit code. */
async function refused(data: string, listen: string, ...joining: readonly string[]) {
  const words = ["dataserver", "--data", data, "--listen", listen, ...joining];
  const settings = { endpoint: "", home: tmpdir() };
  const { code, err } = await startCli(settings, ...words).ended;
  return `${code} ${err}`;
}

test(
  "a dataserver that cannot start says why, and what to do",
  async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "quarry-refused-"));
    const { joining, group } = cluster;
    const own = join(folder.path, "own");
    const taken = [...group.addresses.values()].map(({ port }) => `127.0.0.1:${port}`)[0] ?? "";
    expect(await refused(own, taken, ...joining)).toMatch(/^1 .*is in use: .*another address/);
    expect(await refused(cluster.folder(2), "127.0.0.1:0", ...joining)).toMatch(
      /^1 .*in use by another server/,
    );
    expect(await refused(group.data(1), "127.0.0.1:0", ...joining)).toMatch(
      /^2 .*data of a nameserver, not of a dataserver/,
    );
    await mkdir(join(folder.path, "store", "nameserver"), { recursive: true });
    expect(await refused(join(folder.path, "store"), "127.0.0.1:0", ...joining)).toMatch(
      /^2 .*holds a store of `quarry serve`/,
    );
    const secret = join(folder.path, "secret");
    await writeFile(secret, "00".repeat(32), { mode: 0o600 });
    const wrong = ["--nameservers", group.servers, "--secret-file", secret];
    expect(await refused(own, "127.0.0.1:0", ...wrong)).toMatch(/^1 .*secret does not match/);
  },
  LONG_MS,
);

test(
  "one with a copy of a folder waits until the first is gone",
  async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "quarry-copied-"));
    await cp(join(cluster.folder(2), "identity.json"), join(folder.path, "identity.json"));
    await mkdir(join(folder.path, "device"));
    const identity = join("device", "identity.json");
    await cp(join(cluster.folder(2), identity), join(folder.path, identity));
    const listen = ["--data", folder.path, "--listen", "127.0.0.1:0"];
    const settings = { endpoint: "", home: tmpdir() };
    const copy = startCli(settings, "dataserver", ...listen, ...cluster.joining);
    let said = "";
    copy.child.stderr?.on("data", (text: Buffer) => {
      said += text.toString();
    });
    await expect.poll(() => said, { timeout: 20_000 }).toMatch(/this folder or a copy of it/);
    expect(await cluster.devicesUp()).toBe(2);
    copy.child.kill("SIGTERM");
    expect((await copy.ended).code).toBe(0);
  },
  LONG_MS,
);

test(
  "a gateway that dies is missed by nobody but its clients",
  async () => {
    await put(1, "left", "behind");
    await cluster.end("gateway", 1, "SIGKILL");
    expect(await get(2, "left")).toBe("behind");
    cluster.start("gateway", 1);
    await cluster.untilUp();
    expect(await get(1, "left")).toBe("behind");
    expect(await cluster.end("gateway", 1, "SIGTERM")).toBe(0);
    expect(await cluster.end("dataserver", 1, "SIGTERM")).toBe(0);
    // It has said that it goes: nobody waits until it is missed.
    expect(await cluster.devicesUp()).toBe(1);
  },
  LONG_MS,
);
