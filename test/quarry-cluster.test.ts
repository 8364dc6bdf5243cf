/** `quarry cluster` as a program: one nameserver, two dataservers, a gateway, and what is done to them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ClusterEvent } from "../cli/cluster/events.ts";
import { isMember } from "../cli/cluster/left-behind.ts";
import type { ClusterPlan } from "../cli/cluster/plan.ts";
import type { ClusterView } from "../cli/cluster/view.ts";
import { startCli } from "./cli-process.ts";

const LONG_MS = 120_000;
const LOOK_MS = 50;
const bin = resolve(import.meta.dirname, "..", "cli", "bin.mjs");
const SIZE = ["--nameservers", "1", "--dataservers", "2", "--racks", "2", "--gateways", "1"];
const Bucket = "kept";
const Body = "what was stored before";

let home: string;
let directory: string;
let cluster: Running;

/** A `quarry cluster --json` and what it told so far. */
class Running {
  readonly child: ChildProcess;
  readonly events: ClusterEvent[] = [];
  readonly ended: Promise<number | null>;

  constructor() {
    const args = [bin, "cluster", "--data", directory, "--json", "--port", "0", ...SIZE];
    this.child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    this.ended = once(this.child, "exit").then(([code]) => code as number | null);
    const { stdout } = this.child;
    if (stdout === null) throw new Error("its output is a pipe");
    createInterface({ input: stdout }).on("line", (line) =>
      this.events.push(JSON.parse(line) as ClusterEvent),
    );
  }

  /** Waits for something that is told after the first `from` events. */
  async until(isIt: (event: ClusterEvent) => boolean, from = 0): Promise<ClusterEvent> {
    for (;;) {
      const found = this.events.slice(from).find(isIt);
      if (found !== undefined) return found;
      await sleep(LOOK_MS);
    }
  }

  async untilAllReady(count: number): Promise<void> {
    const ready = () => new Set(this.#of("ready")).size;
    while (ready() < count) await sleep(LOOK_MS);
    await this.until(({ event }) => event === "serving");
  }

  #of(kind: "ready"): string[] {
    return this.events.flatMap((one) => (one.event === kind ? [one.member] : []));
  }
}

const told = (event: ClusterEvent["event"], member: string) => (one: ClusterEvent) =>
  one.event === event && "member" in one && one.member === member;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "quarry-one-cluster-"));
  directory = join(home, "cluster");
  cluster = new Running();
  await cluster.untilAllReady(4);
}, LONG_MS);

afterAll(async () => {
  cluster.child.kill("SIGTERM");
  await cluster.ended;
  // Of a test that failed before the next start could do it.
  for (const { name } of (await plan()).members) {
    const pid = Number(await readFile(join(directory, `${name}.pid`), "utf8").catch(() => "0"));
    if (await isMember(pid, directory)) process.kill(pid, "SIGKILL");
  }
  await rm(home, { recursive: true, force: true });
}, LONG_MS);

/** From another terminal. */
async function order(...words: string[]) {
  return await startCli({ endpoint: "", home }, "cluster", ...words, "--data", directory).ended;
}

async function view(): Promise<ClusterView> {
  return JSON.parse((await order("status", "--json")).out) as ClusterView;
}

async function plan(): Promise<ClusterPlan> {
  return JSON.parse(await readFile(join(directory, "cluster.json"), "utf8")) as ClusterPlan;
}

async function deviceOf(name: string) {
  const { dataservers } = await view();
  return dataservers.find((one) => one.name === name)?.device;
}

/** With the key of the file, as somebody would who sources it. */
async function s3(): Promise<S3Client> {
  const text = await readFile(join(directory, "root-credentials"), "utf8");
  const value = (name: string) => new RegExp(`^${name}='(.*)'$`, "m").exec(text)?.[1] ?? "";
  return new S3Client({
    ...{ endpoint: value("AWS_ENDPOINT_URL"), region: "us-east-1", forcePathStyle: true },
    credentials: {
      accessKeyId: value("AWS_ACCESS_KEY_ID"),
      secretAccessKey: value("AWS_SECRET_ACCESS_KEY"),
    },
  });
}

async function stored(): Promise<string | undefined> {
  const client = await s3();
  try {
    const { Body: body } = await client.send(new GetObjectCommand({ Bucket, Key: "one" }));
    return await body?.transformToString();
  } finally {
    client.destroy();
  }
}

test(
  "it stores at once what root's key of the folder is used for",
  async () => {
    const client = await s3();
    await client.send(new CreateBucketCommand({ Bucket }));
    await client.send(new PutObjectCommand({ Bucket, Key: "one", Body }));
    client.destroy();
    expect(await stored()).toBe(Body);
    const seen = await view();
    expect(seen.nameservers).toMatchObject([{ name: "ns1", state: "ready", role: "leader" }]);
    expect(seen.dataservers).toMatchObject([
      { name: "ds1", rack: "rack1", device: { state: "ok", isIn: true } },
      { name: "ds2", rack: "rack2", device: { state: "ok", isIn: true } },
    ]);
  },
  LONG_MS,
);

test(
  "a member that dies is started again; one that is killed by order is not, until it shall be",
  async () => {
    const begun = cluster.events.length;
    const pid = Number(await readFile(join(directory, "ds1.pid"), "utf8"));
    process.kill(pid, "SIGKILL");
    expect(await cluster.until(told("ended", "ds1"), begun)).toMatchObject({ asked: false });
    await cluster.until(told("ready", "ds1"), begun);

    const again = cluster.events.length;
    expect((await order("kill", "ds1")).code).toBe(0);
    expect(await cluster.until(told("ended", "ds1"), again)).toMatchObject({ asked: true });
    expect((await view()).dataservers[0]?.state).toBe("killed");
    expect(cluster.events.slice(again).some(told("restarting", "ds1"))).toBe(false);
    expect((await order("start", "ds1")).code).toBe(0);
    await cluster.until(told("ready", "ds1"), again);
  },
  LONG_MS,
);

test(
  "a paused dataserver is down for the others, and up again when it is resumed",
  async () => {
    await order("pause", "ds2");
    while ((await deviceOf("ds2"))?.state !== "down") await sleep(LOOK_MS);
    await order("resume", "ds2");
    while ((await deviceOf("ds2"))?.state !== "ok") await sleep(LOOK_MS);
  },
  LONG_MS,
);

test(
  "a filled disk is full, and has room again when it is relieved",
  async () => {
    const tooMuch = await order("fill", "ds1", "--free", "99TiB");
    expect([tooMuch.code, tooMuch.err]).toEqual([2, expect.stringContaining("its disk has")]);
    await order("fill", "ds1");
    while ((await deviceOf("ds1"))?.state !== "full") await sleep(LOOK_MS);
    await order("relieve", "ds1");
    while ((await deviceOf("ds1"))?.state !== "ok") await sleep(LOOK_MS);
  },
  LONG_MS,
);

test(
  "its folder is enough for `quarry admin` to find it",
  async () => {
    const admin = (...words: string[]) => startCli({ endpoint: "", home }, "admin", ...words).ended;
    const group = ["nameserver", "status"];
    expect((await admin(...group, "--cluster", directory)).out).toMatch(/^nameserver 1 leads/);
    expect((await admin("dataserver", "status", "--cluster", directory)).out).toMatch(/rack1\/ds1/);
    const none = await admin(...group);
    expect([none.code, none.err]).toEqual([2, expect.stringMatching(/or --cluster with the/)]);
    const secret = ["--secret-file", join(directory, "secret")];
    expect((await admin(...group, "--cluster", directory, ...secret)).code).toBe(2);
    // Nobody listens there.
    const nobody = await admin("tree", "--nameservers", "127.0.0.1:1", ...secret);
    expect([nobody.code, nobody.err]).toEqual([5, expect.stringMatching(/does the cluster run/)]);
    expect(nobody.err).toMatch(/^no nameserver that leads has answered yet/);
  },
  LONG_MS,
);

test(
  "a drained dataserver is out, until it is in again",
  async () => {
    expect((await order("drain", "ds1")).code).toBe(0);
    expect(await deviceOf("ds1")).toMatchObject({ state: "ok", isIn: false });
    expect((await order("undrain", "ds1")).code).toBe(0);
    expect(await deviceOf("ds1")).toMatchObject({ state: "ok", isIn: true });
  },
  LONG_MS,
);

test(
  "what cannot be done is refused in words, with an exit code",
  async () => {
    expect((await order("drain", "gw1")).code).toBe(2);
    const stranger = await order("kill", "ds9");
    expect([stranger.code, stranger.err]).toEqual([2, expect.stringMatching(/ns1, ds1, ds2/)]);
    expect((await order("corrupt", "gw1")).code).toBe(2);
    expect((await order("resume", "ns1")).code).toBe(2);
    expect((await order("add", "gateway", "--rack", "far")).code).toBe(2);
    expect((await order("start", "ns1")).code).toBe(2);
    expect((await order("add", "disk")).code).toBe(2);
    const second = await startCli({ endpoint: "", home }, "cluster", "--data", directory).ended;
    expect(second.err).toMatch(/in use/);
  },
  LONG_MS,
);

test(
  "a nameserver, a dataserver and a gateway join",
  async () => {
    const begun = cluster.events.length;
    for (const words of [["nameserver"], ["dataserver", "--rack", "far"], ["gateway"]])
      expect((await order("add", ...words)).code).toBe(0);
    for (const name of ["ns2", "ds3", "gw2"]) await cluster.until(told("ready", name), begun);
    while ((await view()).nameservers[1]?.role !== "follower") await sleep(LOOK_MS);
    while ((await deviceOf("ds3"))?.state !== "ok") await sleep(LOOK_MS);
  },
  LONG_MS,
);

test(
  "who is forgotten is started no more, and nobody gets its name",
  async () => {
    expect((await order("forget", "gw2")).err).toMatch(/gw2 is ready: `stop gw2` comes first/);
    await order("stop", "gw2");
    expect((await order("forget", "gw2")).code).toBe(0);
    expect((await view()).gateways.map(({ name }) => name)).toEqual(["gw1"]);
    expect((await order("start", "gw2")).code).toBe(2);
    expect((await order("add", "gateway")).out).toMatch(/^gw3 is started/);
    while ((await view()).gateways[1]?.state !== "ready") await sleep(LOOK_MS);
  },
  LONG_MS,
);

test(
  "killed itself, it leaves no process for long, and its next start is the same cluster",
  async () => {
    const before = await plan();
    const pids = (await view()).dataservers.map(({ pid }) => pid);
    // One that stands still cannot end by itself: the next start does it.
    await order("pause", "ds3");
    cluster.child.kill("SIGKILL");
    await cluster.ended;
    const others = pids.slice(0, 2);
    for (const pid of others) while (await isMember(pid, directory)) await sleep(LOOK_MS);
    expect(await isMember(pids[2] ?? 0, directory)).toBe(true);

    const away = await order("status");
    expect([away.code, away.err]).toEqual([5, expect.stringMatching(/no cluster runs/)]);
    cluster = new Running();
    await cluster.untilAllReady(7);
    expect(await isMember(pids[2] ?? 0, directory)).toBe(false);
    expect(await plan()).toEqual(before);
    expect(await stored()).toBe(Body);
  },
  LONG_MS,
);

test(
  "asked to stop, gateways end first and nameservers last",
  async () => {
    const begun = cluster.events.length;
    cluster.child.kill("SIGTERM");
    expect(await cluster.ended).toBe(0);
    const ends = cluster.events.slice(begun).flatMap((one) => {
      if (one.event !== "ended") return [];
      expect(one).toMatchObject({ asked: true, code: 0 });
      return [one.member.slice(0, 2)];
    });
    expect(ends).toEqual(["gw", "gw", "ds", "ds", "ds", "ns", "ns"]);
    expect(cluster.events.at(-1)).toEqual({ event: "stopped", members: 7, killed: [] });
  },
  LONG_MS,
);
