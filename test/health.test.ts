/** What a cluster of processes says of itself through `quarry admin`, while it is harmed and heals. */
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HealingProgress } from "../rpc/healing.ts";
import type { Capacity, Health } from "../rpc/health.ts";
import { startCli } from "./cli-process.ts";
import { Cluster } from "./cluster.ts";

const LONG_MS = 240_000;
const Bucket = "watched";
const Body = Buffer.alloc(3_000_000, "what is looked after");

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.found({
    ...{ nameservers: 1, dataservers: 4, gateways: 1 },
    dataserverFlags: ["--scrub", "1000", "--first-scrub", "1000", "--scrub-every", "3s"],
  });
  await admin("pool", "set", "default", "--replicas", "3", "--domain", "host");
  await admin("pool", "add", "threefold", "--replicas", "3", "--domain", "host");
  await admin("class", "set", "STANDARD", "--small", "threefold", "--large", "threefold");
  const client = cluster.s3(1);
  await client.send(new CreateBucketCommand({ Bucket }));
  for (const Key of ["a", "b", "c"]) await client.send(new PutObjectCommand({ Bucket, Key, Body }));
}, LONG_MS);

afterAll(async () => await cluster[Symbol.asyncDispose](), LONG_MS);

async function run(...words: string[]) {
  const settings = { endpoint: cluster.endpoint(1), home: "/" };
  return await startCli(settings, "admin", ...words, ...cluster.joining).ended;
}

async function admin(...words: string[]): Promise<string> {
  const { code, out, err } = await run(...words);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return out;
}

async function health(): Promise<Health> {
  return JSON.parse((await run("health", "--json")).out) as Health;
}

async function until(isIt: (health: Health) => boolean): Promise<Health> {
  for (let tries = 0; tries < 100; tries++) {
    const now = await health();
    if (isIt(now)) return now;
    await sleep(200);
  }
  throw new Error(`it does not come: ${JSON.stringify(await health())}`);
}

/** A block that was just opened is unchecked until it is read: copies of the metadata bring some. */
async function healthyScreen(): Promise<string> {
  let screen = "";
  for (let tries = 0; tries < 60; tries++) {
    screen = await admin("status");
    if (/^health {7}healthy: all/.test(screen)) return screen;
    await sleep(500);
  }
  throw new Error(`it does not come to be healthy: ${screen}`);
}

const stored = async (Key: string) => {
  const { Body: body } = await cluster.s3(1).send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await body?.transformToByteArray()) ?? []);
};

describe("a cluster that is looked after", () => {
  test(
    "says how it stands, on one screen and thing by thing, for people and programs",
    async () => {
      expect(await admin("health", "--wait", "60s")).toMatch(/^healthy: all \d+ blocks\n/);
      const screen = await healthyScreen();
      expect(screen).toMatch(/^nameservers {2}1 of 1 answer, 1 \(127.0.0.1:\d+\) leads in term/m);
      expect(screen).toMatch(/^dataservers {2}4 of 4 up/m);
      expect(screen).toMatch(/^threefold +1\+2 +\d/m);
      const capacity = JSON.parse(await admin("capacity", "--json")) as Capacity;
      const pool = capacity.pools.find(({ name }) => name === "threefold");
      expect(pool?.usedBytes).toBeGreaterThanOrEqual(3 * Body.length);
      expect(pool?.storedBytes).toBeGreaterThanOrEqual(9 * Body.length);
      expect(pool).toMatchObject({ overhead: 3, places: 4, placesNeeded: 3 });
      expect(capacity.repairBytes).toBeGreaterThan(0);
      expect(await admin("pools")).toMatch(/threefold +1\+2/);
      expect(await admin("device", "show", "osd.1")).toMatch(/^state {5}ok, in$/m);
      const groups = (await admin("pg", "ls", "threefold")).split("\n");
      expect(groups.filter((line) => / healthy$/.test(line)).length).toBeGreaterThan(0);
      const wrong = await run("device", "show", "osd.77");
      expect(wrong.code).not.toBe(0);
      expect(wrong.err).toMatch(/there is no device osd.77; there are osd.0, osd.1/);
    },
    LONG_MS,
  );

  test(
    "finds harm that nobody has read, says so, and is healthy when it was made good",
    async () => {
      // So that it can be seen before it is made good.
      await admin("heal", "pause");
      await flip(cluster.folder(1));
      const harmed = await until(({ atRisk }) =>
        atRisk.some(({ troubles }) => troubles.some(({ why }) => why === "damaged")),
      );
      expect(harmed.level).toBe("degraded");
      await admin("heal", "resume");
      expect(await admin("health", "--wait", "30s")).toMatch(/^healthy/);
      for (const Key of ["a", "b", "c"]) expect((await stored(Key)).equals(Body)).toBe(true);
    },
    LONG_MS,
  );

  test(
    "is not healthy while a device is away, and heals when that is put out",
    async () => {
      await admin("heal", "pause");
      await cluster.end("dataserver", 2, "SIGKILL");
      const lost = await until(({ level }) => level === "degraded" || level === "unreadable");
      const away = lost.concerns.find(({ message }) => /at rack-2\/host-2 is down/.test(message));
      const name = away?.of ?? "";
      const { code, out } = await run("health");
      expect(code).toBe(1);
      expect(out).toContain(`device down (${name})`);
      expect(await admin("device", "out", name)).toMatch(
        `${name} is out: nothing new is put on it`,
      );
      const paused = JSON.parse(await admin("heal", "status", "--json")) as HealingProgress;
      expect(paused.settings.paused).toBe(true);
      expect(await admin("heal", "resume")).toBe("goes on\n");
      const healed = await until(({ blocks }) => blocks.degraded === 0 && blocks["at risk"] === 0);
      expect(healed.healing?.work.rebuild.done).toBeGreaterThan(0);
      for (const Key of ["a", "b", "c"]) expect((await stored(Key)).equals(Body)).toBe(true);
      // What is away for good leaves the map, and its dataserver after it.
      const status = () => admin("dataserver", "status");
      const address =
        / (\S+) {2}dataserver/.exec(await lineOf(status(), "rack-2/host-2"))?.[1] ?? "";
      expect((await run("dataserver", "rm", address)).err).toMatch(/still has device/);
      await untilDone("device", "rm", name);
      expect(await admin("dataserver", "rm", address)).toMatch("is taken from the map for good");
      expect(await status()).not.toContain(address);
      expect((await run("dataserver", "rm", address)).err).toMatch(/dataserver status` tells/);
    },
    LONG_MS,
  );

  test(
    "takes settings of healing, and says what it was not told",
    async () => {
      await admin("heal", "limit", "--rate", "50MiB", "--out-after", "20m", "--repair-room", "off");
      const { healing } = await health();
      const told = { bytesPerSecond: 50 * 2 ** 20, outAfterMs: 1_200_000, keepsRepairRoom: false };
      expect(healing?.settings).toMatchObject(told);
      expect((await run("heal", "limit")).err).toMatch(/say --rate, --out-after or --repair-room/);
      const devices = (await admin("device", "ls", "--json"))
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { readonly name: string; readonly in: boolean });
      const used = devices.find((one) => one.in)?.name ?? "";
      const { code, err } = await run("device", "rm", used);
      expect([code, err]).toEqual([expect.any(Number), expect.stringMatching(/out/)]);
      expect(code).not.toBe(0);
    },
    LONG_MS,
  );
});

async function lineOf(text: Promise<string>, words: string): Promise<string> {
  return (await text).split("\n").find((line) => line.includes(words)) ?? "";
}

/** Some blocks change a last time after they were made whole. */
async function untilDone(...words: string[]): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    if ((await run(...words)).code === 0) return;
    await sleep(200);
  }
  await admin(...words);
}

/** One bit in the middle of the largest block of a device. */
async function flip(folder: string): Promise<void> {
  const device = join(folder, "device");
  const names = (await readdir(device)).filter((name) => name.endsWith(".block"));
  let largest = { path: "", bytes: 0 };
  for (const name of names) {
    await using file = await open(join(device, name), "r");
    const { size } = await file.stat();
    if (size > largest.bytes) largest = { path: join(device, name), bytes: size };
  }
  await using file = await open(largest.path, "r+");
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, 100_000);
  byte[0] = (byte[0] ?? 0) ^ 4;
  await file.write(byte, 0, 1, 100_000);
}
