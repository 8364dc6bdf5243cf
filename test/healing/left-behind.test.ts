/** A device that is no member any more may have what its successors lack: it keeps that until they have it. */
import { expect, test } from "vitest";
import { QuarryError } from "../../base/errors.ts";
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

async function scene(scheme = { k: 1, m: 1 }, hosts = 4) {
  const cluster = await HealingCluster.open({ hosts, scheme });
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

test("a piece that only a device that is out has comes back with it, though others made anew what they could", async () => {
  const { cluster, contents } = await scene({ k: 2, m: 1 }, 5);
  await using _ = cluster;
  const [block] = await cluster.blocksOf("key0");
  if (block === undefined) throw new Error("there is a block");
  // The first has the first half of the object as it is.
  const [harmed, away] = block.members.map((device) => cluster.at(device));
  if (harmed === undefined || away === undefined) throw new Error("it has three members");
  const content = contents.get("key0") ?? Buffer.alloc(0);
  const { disk, server } = cluster.host(harmed);
  const path = `/disk/${block.block.toString(16).padStart(8, "0")}.block`;
  const place = disk.contentOf(path)?.indexOf(content.subarray(0, KiB)) ?? -1;
  expect(place).toBeGreaterThan(0);
  await cluster.names.execute({ type: "setHealing", change: { paused: true } });
  await cluster.kill(away);
  disk.flip(path, place + 10, 0xff);
  await server?.scrub(cluster.device(harmed), { bytesPerSecond: 2 ** 50 }, block.block);
  await expect(cluster.get("key0")).rejects.toThrow();
  await cluster.names.execute({ type: "changeDevice", device: cluster.device(away), in: false });
  await cluster.names.execute({ type: "setHealing", change: { paused: false } });
  await cluster.until(async () => {
    const [now] = await cluster.blocksOf("key0");
    return now?.members.includes(cluster.device(away)) === false;
  }, "it is a member still");
  await expect(cluster.get("key0")).rejects.toThrow();
  await cluster.start(away);
  await cluster.until(async () => (await cluster.held(away))?.length === 0, "it is not emptied");
  for (const [key, whole] of contents)
    expect((await cluster.get(key)).equals(whole), key).toBe(true);
});

test("what only a device that is drained knows to be removed is removed where it was moved to", async () => {
  const { cluster, contents } = await scene({ k: 1, m: 0 });
  await using _ = cluster;
  const [block] = await cluster.blocksOf("key0");
  const from = filled(block?.members ?? [])[0];
  if (block === undefined || from === undefined) throw new Error("there is a block");
  const id = block.block;
  const inIt: string[] = [];
  for (const key of contents.keys())
    if ((await cluster.blocksOf(key)).some((one) => one.block === id)) inIt.push(key);
  expect(inIt.length).toBeGreaterThan(1);
  let isMade = false;
  let misses = 0;
  cluster.around = async ({ name, device, given }, go) => {
    const [order] = given as [{ readonly block?: number }];
    if (order.block !== id && name !== "inventory") return await go();
    // Whoever made it a member asks the one before, and that does not answer just then.
    if (name === "inventory" && isMade && device === from && misses++ === 0)
      throw new QuarryError("Unavailable", "the line broke");
    const answer = await go();
    if (name !== "rebuild" || isMade) return answer;
    isMade = true;
    await cluster.names.execute({ type: "deleteObject", bucket: "b", key: "key0" });
    const address = { device: from, block: id, generation: 1 };
    await cluster.until(
      async () => (await cluster.blocks.needles(address, 0, 99)).entries.length < inIt.length,
      "it is not collected",
    );
    return answer;
  };
  await cluster.names.execute({ type: "changeDevice", device: from, in: false });
  await cluster.until(
    async () => (await cluster.held(cluster.at(from)))?.length === 0,
    "it is not emptied",
  );
  const [now] = await cluster.blocksOf(inIt[1] ?? "");
  const device = filled(now?.members ?? [])[0];
  if (now === undefined || device === undefined) throw new Error("there is a block");
  const { generation } = now;
  const { entries } = await cluster.blocks.needles({ device, block: id, generation }, 0, 99);
  expect(entries.length).toBe(inIt.length - 1);
  expect(misses).toBeGreaterThan(0);
});

test("where a member is harmed stays known while the other one is away", async () => {
  const { cluster, contents } = await scene({ k: 1, m: 1 }, 2);
  await using _ = cluster;
  const [block] = await cluster.blocksOf("key0");
  if (block === undefined) throw new Error("there is a block");
  const isHarmed = async () => {
    const device = cluster.device(0);
    const [status] = await cluster.blocks.blocks(device, block.block - 1, 1);
    return status?.block === block.block && status.damage.length > 0;
  };
  await cluster.kill(1);
  await forgetNeedle(cluster, 0, contents.get("key0") ?? Buffer.alloc(0));
  let looks = 0;
  cluster.around = async ({ name }, go) => {
    if (name === "report") looks++;
    return await go();
  };
  await cluster.until(async () => looks > 0, "it is not heard");
  // Time enough for whatever thinks that it could mend it.
  for (let i = 0; i < 40; i++) await new Promise((resume) => setTimeout(resume, 20));
  expect(await isHarmed()).toBe(true);
  await cluster.start(1);
  await cluster.until(async () => !(await isHarmed()), "it is not mended");
  await cluster.whole();
  for (const [key, content] of contents)
    expect((await cluster.get(key)).equals(content), key).toBe(true);
});
