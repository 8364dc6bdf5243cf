/** A cluster whose only nameserver loses its folder comes back from the blocks of its dataservers. */
import { readdir, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { afterEach, expect, test } from "vitest";
import { startCli } from "./cli-process.ts";
import { Cluster } from "./cluster.ts";

const OBJECTS = 30;
/** The log is written every five seconds; on a busy machine all takes its time. */
const WINDOW_MS = 20_000;

let cluster: Cluster | undefined;
afterEach(async () => await cluster?.[Symbol.asyncDispose]());

const contentOf = (i: number) => `content of object ${i} `.repeat(200 * (i + 1));

test("the metadata of a cluster are rescued from its dataservers", async () => {
  cluster = await Cluster.found({ nameservers: 1, dataservers: 2, gateways: 1 });
  const { group } = cluster;
  const s3 = cluster.s3(1);
  const Bucket = "kept";
  await s3.send(new CreateBucketCommand({ Bucket }));
  for (let i = 0; i < OBJECTS; i++)
    await s3.send(new PutObjectCommand({ Bucket, Key: `object-${i}`, Body: contentOf(i) }));
  await sleep(WINDOW_MS);
  await group.end(1, "SIGKILL");
  for (const n of cluster.dataservers) await cluster.end("dataserver", n, "SIGTERM");
  const lost = group.data(1);
  await rm(lost, { recursive: true });
  const devices = cluster.dataservers.map((n) => cluster?.folder(n) ?? "");
  const flags = ["--devices", ...devices, "--to", lost, "--node", "1", "--json"];
  const home = devices[0] ?? "";
  const rescued = await startCli({ endpoint: "http://127.0.0.1:1", home }, "rescue", ...flags)
    .ended;
  expect(rescued).toMatchObject({ code: 0, err: "" });
  expect(await readdir(lost)).toContain("member");

  group.start(1, "--found");
  for (const n of cluster.dataservers) cluster.start("dataserver", n);
  await cluster.untilUp();
  const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket }));
  expect(Contents?.length).toBe(OBJECTS);
  for (let i = 0; i < OBJECTS; i++) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: `object-${i}` }));
    expect(await Body?.transformToString()).toBe(contentOf(i));
  }
  await s3.send(new PutObjectCommand({ Bucket, Key: "after", Body: "more" }));
}, 180_000);
