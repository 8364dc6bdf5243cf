import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { type Certificates, TlsIdentity } from "../rpc/tls.ts";
import { TestAuthority } from "./certificates.ts";
import { startCli } from "./cli-process.ts";
import { NameserverGroup } from "./nameserver-group.ts";

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const one of cleanUp.splice(0).reverse()) await one();
});

test("nameservers speak TLS with each other and with clients, and change certificates while they run", async () => {
  const root = await mkdtemp(join(tmpdir(), "quarry-tls-group-"));
  cleanUp.push(() => rm(root, { recursive: true }));
  const put = async (files: Certificates) => {
    for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text);
  };
  const flags = ["cert", "key", "ca"].flatMap((name) => [`--tls-${name}`, join(root, name)]);
  const old = new TestAuthority("old");
  const young = new TestAuthority("young");
  const both = old.pem + young.pem;
  const tls = new TlsIdentity({ ...old.issue(), ca: both }, systemClock);
  await put({ ...old.issue(), ca: both });
  const group = await NameserverGroup.found(3, { flags, tls });
  cleanUp.push(() => group[Symbol.asyncDispose]());
  await using client = group.client();
  const bucket = (name: string) => ({ type: "createBucket", bucket: name, owner: "me" }) as const;
  await client.names.execute(bucket("first"));
  await put({ ...young.issue(), ca: both });
  for (const node of group.nodes) group.signal(node, "SIGHUP");
  await expect
    .poll(() => group.output.split("new certificates").length, { timeout: 10_000 })
    .toBe(4);
  await client.names.execute(bucket("second")); // over the connection that was there before
  tls.replace({ ...young.issue(), ca: young.pem });
  await using later = group.client();
  expect((await later.names.buckets("me", "", 10)).length).toBe(2);
  expect((await group.digests()).size).toBe(1);
  const servers = [...group.addresses.values()].map(({ port }) => `127.0.0.1:${port}`).join();
  const status = ["admin", "nameserver", "status", "--servers", servers, "--json"];
  const run = async (...more: readonly string[]) =>
    await startCli(
      { endpoint: "", home: root },
      ...status,
      "--secret-file",
      group.secretFile,
      ...more,
    ).ended;
  const { code, out } = await run(...flags);
  expect([code, out.trim().split("\n").length]).toEqual([0, 3]);
  const without = await run();
  expect([without.code, without.out]).toEqual([5, expect.stringContaining("certificates (TLS)")]);
}, 60_000);
