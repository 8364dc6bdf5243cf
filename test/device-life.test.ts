/** Devices of real dataservers that move, are copied, and are wiped. */
import { cp, rename, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { emptyMap } from "../rpc/cluster-map.ts";
import { Cluster } from "./cluster.ts";

const LONG_MS = 90_000;
const Bucket = "life";
const OBJECTS = 12;
let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.found({ nameservers: 1, dataservers: 2, gateways: 1 });
  await cluster.s3(1).send(new CreateBucketCommand({ Bucket }));
  for (let n = 0; n < OBJECTS; n++)
    await cluster.s3(1).send(new PutObjectCommand({ Bucket, Key: `k${n}`, Body: `body ${n}` }));
}, LONG_MS);
afterAll(async () => await cluster?.[Symbol.asyncDispose]());

async function mapNow() {
  await using client = cluster.group.client();
  return (await client.names.clusterMap(0)).map ?? emptyMap;
}

async function untilSaid(words: string): Promise<void> {
  for (let tries = 0; !cluster.output.includes(words); tries++) {
    if (tries > 600) throw new Error(`nobody said "${words}":\n${cluster.output}`);
    await sleep(50);
  }
}

async function readAll(): Promise<void> {
  for (let n = 0; n < OBJECTS; n++) {
    const { Body } = await cluster.s3(1).send(new GetObjectCommand({ Bucket, Key: `k${n}` }));
    expect(await Body?.transformToString()).toBe(`body ${n}`);
  }
}

test("a folder that moves to another dataserver is found there, and a copy of it is refused", {
  timeout: LONG_MS,
}, async () => {
  await readAll();
  const before = (await mapNow()).devices;
  const moved = `${cluster.folder(2)}-moved`;
  await cluster.end("dataserver", 2, "SIGTERM");
  await rename(cluster.folder(2), moved);
  await cp(moved, cluster.folder(2), { recursive: true });
  const third = await cluster.addDataserver(moved);
  await cluster.untilUp();
  const { devices, dataservers, places } = await mapNow();
  expect(devices).toHaveLength(before.length + 1);
  const now = devices.find(({ path }) => path === `${moved}/device`);
  const then = before.find(({ device }) => device === now?.device);
  expect(now?.number).toBe(then?.number);
  expect(now?.server).not.toBe(then?.server);
  expect(places.find(({ id }) => id === now?.place)?.name).toBe(`host-${third}`);
  expect(dataservers).toHaveLength(3);
  await readAll();
  cluster.start("dataserver", 2);
  await untilSaid("one of the two is a copy");
  expect((await mapNow()).devices).toEqual(devices);
  await readAll();
  await cluster.end("dataserver", 2, "SIGTERM");
});

test("a folder that was wiped is a new device; the old one stays, and is named", {
  timeout: LONG_MS,
}, async () => {
  const path = `${cluster.folder(1)}/device`;
  const old = (await mapNow()).devices.find((one) => one.path === path);
  await cluster.end("dataserver", 1, "SIGTERM");
  await rm(path, { recursive: true });
  cluster.start("dataserver", 1);
  await untilSaid(`quarry admin device rm ${old?.device}`);
  const here = (await mapNow()).devices.filter((one) => one.path === path);
  expect(here).toHaveLength(2);
  await using client = cluster.group.client();
  const states = await client.names.deviceStates();
  const stateOf = (device: string | undefined) =>
    states.find((one) => one.device === device)?.state;
  expect(stateOf(old?.device)).toBe("down");
  const removal = { type: "removeDevice", device: old?.device ?? expect.fail() } as const;
  await expect(client.names.execute(removal)).rejects.toThrow("is in: mark it out");
  await client.names.execute({ ...removal, type: "changeDevice", in: false });
  await expect(client.names.execute(removal)).rejects.toThrow("blocks still have a piece");
});
