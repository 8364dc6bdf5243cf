/** A cluster of processes loses a dataserver and makes whole what it had, also when the leader dies meanwhile. */

import { setTimeout as sleep } from "node:timers/promises";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../../base/random.ts";
import type { NameService } from "../../rpc/name-service.ts";
import { Cluster } from "../cluster.ts";

const LONG_MS = 120_000;
const Bucket = "shared";
const OBJECTS = 24;
const MiB = 1024 * 1024;
const random = seededRandom(5);
const contents = new Map<string, Buffer>();
let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.found({ nameservers: 3, dataservers: 4, gateways: 1 });
  await ask(async (names) => {
    const change = { scheme: { k: 1, m: 1 }, failureDomain: "host" } as const;
    await names.execute({ type: "changePool", pool: 0, change });
    await names.execute({ type: "setHealing", change: { outAfterMs: 1_000 } });
  });
  await cluster.s3(1).send(new CreateBucketCommand({ Bucket }));
  for (let i = 0; i < OBJECTS; i++) {
    const Body = random.bytes(MiB);
    contents.set(`key${i}`, Body);
    await cluster.s3(1).send(new PutObjectCommand({ Bucket, Key: `key${i}`, Body }));
  }
}, LONG_MS);
afterAll(async () => await cluster?.[Symbol.asyncDispose]());

async function ask<T>(question: (names: NameService) => Promise<T>): Promise<T> {
  await using client = cluster.group.client();
  return await question(client.names);
}

async function readAll(): Promise<void> {
  for (const [Key, content] of contents) {
    const { Body } = await cluster.s3(1).send(new GetObjectCommand({ Bucket, Key }));
    expect(content.equals(Buffer.from((await Body?.transformToByteArray()) ?? [])), Key).toBe(true);
  }
}

/** Resolves when nothing is left to be made whole, and `rebuilt` blocks were. */
async function whole(): Promise<void> {
  const untilMs = performance.now() + LONG_MS / 2;
  for (;;) {
    const [{ work, isKnown }, { map, down }] = await ask(
      async (names) => [await names.healing(), await names.clusterMap(0)] as const,
    );
    const busy = Object.values(work).some(({ waiting, running }) => waiting + running > 0);
    const isOut = down.every(
      (one) => map?.devices.find(({ device }) => device === one)?.in === false,
    );
    if (isKnown && !busy && down.length > 0 && isOut) return;
    if (performance.now() > untilMs) throw new Error(JSON.stringify(work));
    await sleep(200);
  }
}

test(
  "of two copies one is lost, then the leader, then the other: everything is read",
  async () => {
    await cluster.end("dataserver", 1, "SIGKILL");
    await readAll();
    await sleep(7_000);
    const leader = await cluster.group.leader();
    await cluster.group.end(leader, "SIGKILL");
    await whole();
    await readAll();
    await cluster.end("dataserver", 2, "SIGKILL");
    await readAll();
  },
  LONG_MS,
);
