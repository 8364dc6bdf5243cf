/** A cluster whose processes speak TLS, and a nameserver that the others hear of when it is there. */
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { TlsIdentity } from "../rpc/tls.ts";
import { TestAuthority } from "./certificates.ts";
import { startCli } from "./cli-process.ts";
import { Cluster } from "./cluster.ts";

const Bucket = "secured";
const LONG_MS = 120_000;

test(
  "all roles speak TLS, and follow the leader to a nameserver that joined later",
  async () => {
    await using root = await mkdtempDisposable(join(tmpdir(), "quarry-tls-cluster-"));
    const authority = new TestAuthority("cluster");
    const certificates = { ...authority.issue(), ca: authority.pem };
    for (const [name, text] of Object.entries(certificates))
      await writeFile(join(root.path, name), text);
    const flags = ["cert", "key", "ca"].flatMap((one) => [`--tls-${one}`, join(root.path, one)]);
    const tls = new TlsIdentity(certificates, systemClock);
    const places = { flags, tls };
    await using cluster = await Cluster.found({
      nameservers: 1,
      dataservers: 1,
      gateways: 1,
      places,
    });
    const s3 = cluster.s3(1);
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutObjectCommand({ Bucket, Key: "key", Body: "before" }));

    const { group } = cluster;
    const second = await group.join();
    await expect
      .poll(async () => (await group.status(await group.leader()))?.voters, { timeout: 30_000 })
      .toEqual([1, second]);
    const to = ["--servers", group.servers, "--secret-file", group.secretFile, ...flags];
    const words = ["admin", "nameserver", "transfer", String(second), ...to];
    expect((await startCli({ endpoint: "", home: root.path }, ...words).ended).code).toBe(0);
    await expect.poll(() => group.leader(), { timeout: 20_000 }).toBe(second);
    await expect.poll(() => cluster.devicesUp(), { timeout: 5_000 }).toBe(1);
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: "key" }));
    expect(await Body?.transformToString()).toBe("before");
    await s3.send(new PutObjectCommand({ Bucket, Key: "key", Body: "after" }));
  },
  LONG_MS,
);
