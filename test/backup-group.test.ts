/** The metadata of a group of nameserver processes: backed up from whoever leads, and a group again. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { startCli } from "./cli-process.ts";
import { NameserverGroup } from "./nameserver-group.ts";

const groups: NameserverGroup[] = [];
afterEach(async () => {
  for (const group of groups.splice(0)) await group[Symbol.asyncDispose]();
});

const bucket = (name: string) => ({ type: "createBucket", bucket: name, owner: "me" }) as const;

test("a group that is lost goes on from its backup, with one member that others join", async () => {
  const folder = await mkdtemp(join(tmpdir(), "quarry-backup-group-"));
  const cli = (...args: readonly string[]) =>
    startCli({ endpoint: "http://127.0.0.1:1", home: folder }, ...args).ended;
  const lost = await NameserverGroup.found(3);
  groups.push(lost);
  {
    await using client = lost.client();
    for (let i = 0; i < 20; i++) await client.names.execute(bucket(`bucket-${i}`));
  }
  const group = ["--servers", lost.servers, "--secret-file", lost.secretFile];
  const taken = await cli("admin", "backup", "metadata", "--json", ...group);
  expect(taken).toMatchObject({ code: 0, err: "" });
  const verified = await cli("backup", "verify", "metadata", "--json");
  expect(JSON.parse(verified.out)).toMatchObject({ sha256: JSON.parse(taken.out).sha256 });
  for (const node of lost.nodes) await lost.end(node, "SIGKILL");

  const data = join(folder, "first");
  expect(await cli("restore", "metadata", "--data", data, "--node", "1")).toMatchObject({
    code: 0,
  });
  expect((await cli("restore", "metadata", "--data", data, "--node", "1")).err).toMatch(
    /not empty/,
  );
  expect((await cli("fsck", "--data", data)).out).toMatch(
    /Nothing is wrong with what was looked at/,
  );
  const again = await NameserverGroup.found(1, {
    data: (node) => (node === 1 ? data : undefined),
  });
  groups.push(again);
  await using client = again.client();
  expect((await client.names.buckets("me", "", 100)).length).toBe(20);
  await client.names.execute(bucket("after"));
  await again.join();
  await again.join();
  await client.names.execute(bucket("with-others"));
  expect((await again.digests()).size).toBe(1);
  expect((await client.names.buckets("me", "", 100)).length).toBe(22);
  await rm(folder, { recursive: true });
}, 120_000);
