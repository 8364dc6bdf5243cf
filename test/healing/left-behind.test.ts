/** A device that is no member any more may have what its successors lack: it keeps that until they have it. */
import { expect, test } from "vitest";
import { filled } from "../../rpc/name-service.ts";
import { HealingCluster } from "../healing-cluster.ts";

const KiB = 1024;

/** The record of this content cannot be found again by who starts with these files. */
async function forgetNeedle(cluster: HealingCluster, at: number, content: Buffer) {
  const { disk } = cluster.host(at);
  await cluster.kill(at);
  for (const path of disk.paths().filter((one) => one.endsWith(".block"))) {
    const place = disk.contentOf(path)?.indexOf(content) ?? -1;
    if (place < 0) continue;
    for (let i = 1; i <= 24; i++) disk.flip(path, place - i, 0xff);
    await disk.remove(path.replace(/block$/, "index"));
  }
  await cluster.start(at);
}

async function scene() {
  const cluster = await HealingCluster.open({ hosts: 4, scheme: { k: 1, m: 1 } });
  const contents = new Map<string, Buffer>();
  for (let i = 0; i < 8; i++) contents.set(`key${i}`, cluster.random(20 * KiB));
  for (const [key, content] of contents) await cluster.put(key, content);
  for (const key of contents.keys()) await cluster.seal(key);
  await cluster.whole();
  return { cluster, contents };
}

test("what only a device that is out has comes back with it", async () => {
  const { cluster, contents } = await scene();
  await using _ = cluster;
  const [block] = await cluster.blocksOf("key0");
  const [first, second] = filled(block?.members ?? []);
  const [stays, leaves] = [cluster.at(first), cluster.at(second)];
  await cluster.kill(leaves);
  await forgetNeedle(cluster, stays, contents.get("key0") ?? Buffer.alloc(0));
  await cluster.names.execute({ type: "changeDevice", device: cluster.device(leaves), in: false });
  await cluster.until(async () => {
    const [now] = await cluster.blocksOf("key0");
    return now?.members.includes(cluster.device(leaves)) === false;
  }, "it is a member still");
  await expect(cluster.get("key0")).rejects.toThrow();
  await cluster.start(leaves);
  await cluster.until(async () => (await cluster.held(leaves))?.length === 0, "it is not emptied");
  for (const [key, content] of contents)
    expect((await cluster.get(key)).equals(content), key).toBe(true);
});
