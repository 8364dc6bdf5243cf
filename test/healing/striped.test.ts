/** Blocks in stripes heal as others do: lost hosts, drained ones, rot, and removals meanwhile. */
import { expect, test } from "vitest";
import { filled } from "../../rpc/name-service.ts";
import { HealingCluster } from "../healing-cluster.ts";

const cold = { k: 3, m: 2 };
const HOSTS = 7;

async function striped(objects = 250) {
  const cluster = await HealingCluster.open({
    ...{ hosts: HOSTS, scheme: { k: 1, m: 2 }, blockBytes: 1024 * 1024 },
  });
  const contents = new Map<string, Buffer>();
  for (let i = 0; i < objects; i++) contents.set(`key${i}`, cluster.random(4096));
  const all = [...contents];
  for (let at = 0; at < all.length; at += 25)
    await Promise.all(all.slice(at, at + 25).map(([key, content]) => cluster.put(key, content)));
  await seal(cluster, contents.keys());
  const change = { cold: { scheme: cold, afterMs: 0 } };
  await cluster.names.execute({ type: "changePool", pool: 0, change });
  await cluster.until(
    async () => (await blocks(cluster, contents.keys())).every((one) => one.layout === "striped"),
    "blocks are not striped",
  );
  await cluster.whole();
  return { cluster, contents };
}

async function blocks(cluster: HealingCluster, keys: Iterable<string>) {
  const all = await Promise.all([...keys].map((key) => cluster.blocksOf(key)));
  return [...new Map(all.flat().map((one) => [one.block, one])).values()];
}

async function seal(cluster: HealingCluster, keys: Iterable<string>): Promise<void> {
  for (const { block, generation } of await blocks(cluster, keys))
    await cluster.names.reportBlock(block, generation, "full");
}

async function expectAll(cluster: HealingCluster, contents: ReadonlyMap<string, Buffer>) {
  for (const [key, content] of contents)
    expect((await cluster.get(key)).equals(content), key).toBe(true);
}

async function expectMembers(cluster: HealingCluster, keys: Iterable<string>): Promise<void> {
  for (const { members } of await blocks(cluster, keys))
    expect(new Set(filled(members)).size).toBe(cold.k + cold.m);
}

test("a lost host: its ranges are made anew elsewhere, and any two others may go then", async () => {
  const { cluster, contents } = await striped();
  await using _cluster = cluster;
  const [first] = await blocks(cluster, contents.keys());
  const lost = cluster.at(first?.members[1]);
  await cluster.names.execute({ type: "setHealing", change: { outAfterMs: 100 } });
  await cluster.kill(lost);
  await expectAll(cluster, contents);
  await cluster.until(async () => {
    const all = await blocks(cluster, contents.keys());
    return !all.some(({ members }) => members.includes(cluster.device(lost)));
  }, "members are still there");
  await cluster.whole();
  await expectMembers(cluster, contents.keys());
  await cluster.names.execute({ type: "setHealing", change: { outAfterMs: 0 } });
  const others = cluster.hosts.map((_, at) => at).filter((at) => at !== lost);
  for (const at of others.slice(0, cold.m)) await cluster.kill(at);
  await expectAll(cluster, contents);
});

test("a drained host is emptied", async () => {
  const { cluster, contents } = await striped();
  await using _cluster = cluster;
  const [first] = await blocks(cluster, contents.keys());
  const drained = cluster.at(first?.members[0]);
  const device = cluster.device(drained);
  await cluster.names.execute({ type: "changeDevice", device, in: false });
  await cluster.until(async () => (await cluster.held(drained))?.length === 0, "it is not empty");
  await cluster.whole();
  await expectMembers(cluster, contents.keys());
  await expectAll(cluster, contents);
});

test("what rots is made anew in its place, and no wrong byte is read meanwhile", async () => {
  const { cluster, contents } = await striped();
  await using _cluster = cluster;
  for (const { block, members } of await blocks(cluster, contents.keys()))
    for (const [position, device] of members.entries()) {
      if (device === null || position % 3 !== block % 3) continue;
      const { disk, server } = cluster.host(cluster.at(device));
      const path = `/disk/${block.toString(16).padStart(8, "0")}.block`;
      const { length } = disk.contentOf(path) ?? Buffer.alloc(0);
      for (let n = 0; n < 8; n++) disk.flip(path, cluster.random(4).readUInt32LE(0) % length);
      await server?.scrub(device, { bytesPerSecond: 2 ** 50 }, block);
    }
  await expectAll(cluster, contents);
  await cluster.until(async () => {
    for (const [at, { server }] of cluster.hosts.entries()) {
      const all = (await server?.blocks(cluster.device(at), 0, 1000)) ?? [];
      if (all.some(({ damage }) => damage.length > 0)) return false;
    }
    return true;
  }, "damage stays");
  await expectAll(cluster, contents);
});

test("what is deleted while a host is away is gone there, too, when it is back", async () => {
  const { cluster, contents } = await striped();
  await using _cluster = cluster;
  const [first] = await blocks(cluster, contents.keys());
  const away = cluster.at(first?.members[2]);
  await cluster.names.execute({ type: "setHealing", change: { outAfterMs: 0 } });
  await cluster.kill(away);
  const keys = [...contents.keys()].slice(0, 30);
  for (const key of keys) {
    await cluster.names.execute({ type: "deleteObject", bucket: "b", key });
    contents.delete(key);
  }
  await cluster.start(away);
  await cluster.until(async () => {
    const digests = new Map<number, Set<string>>();
    for (const [at, { server }] of cluster.hosts.entries())
      for (const { block, digest, needles } of (await server?.blocks(
        cluster.device(at),
        0,
        1000,
      )) ?? [])
        digests.set(block, (digests.get(block) ?? new Set()).add(`${digest} ${needles}`));
    const all = await blocks(cluster, contents.keys());
    return all.every(({ block }) => digests.get(block)?.size === 1);
  }, "members differ");
  await expectAll(cluster, contents);
});
