/** What happens while members are made anew: removals, returns, deaths, want of room, lost answers. */
import { expect, test } from "vitest";
import { QuarryError } from "../../base/errors.ts";
import type { DeviceId } from "../../base/ids.ts";
import { filled } from "../../rpc/name-service.ts";
import { HealingCluster } from "../healing-cluster.ts";

const KiB = 1024;
const schemes = [
  { k: 1, m: 1 },
  { k: 2, m: 1 },
];

async function filledCluster(scheme: { k: number; m: number }, hosts: number) {
  const cluster = await HealingCluster.open({ hosts, scheme });
  const contents = new Map<string, Buffer>();
  for (let i = 0; i < 6; i++) contents.set(`key${i}`, cluster.random(200 * KiB));
  for (const [key, content] of contents) await cluster.put(key, content);
  for (const key of contents.keys()) await cluster.seal(key);
  await cluster.whole();
  return { cluster, contents };
}

async function expectAll(cluster: HealingCluster, contents: ReadonlyMap<string, Buffer>) {
  for (const [key, content] of contents)
    expect((await cluster.get(key)).equals(content), key).toBe(true);
}

async function firstBlock(cluster: HealingCluster) {
  const [block] = await cluster.blocksOf("key0");
  if (block === undefined) throw new Error("an object has a block");
  return { block: block.block, members: filled(block.members) };
}

/** A device of the first block, and puts it out or lets it go down for good. */
async function someMember(cluster: HealingCluster): Promise<number> {
  return cluster.at((await firstBlock(cluster)).members[0]);
}

const drain = (cluster: HealingCluster, at: number) =>
  cluster.names.execute({ type: "changeDevice", device: cluster.device(at), in: false });

const outAfter = (cluster: HealingCluster, outAfterMs: number) =>
  cluster.names.execute({ type: "setHealing", change: { outAfterMs } });

test.each(schemes)(
  "a needle that is removed after a member was made and before it is one ($k+$m)",
  async (scheme) => {
    const { cluster, contents } = await filledCluster(scheme, scheme.k + scheme.m + 1);
    await using _cluster = cluster;
    const { block } = await firstBlock(cluster);
    const victims = [];
    for (const key of contents.keys())
      if (key !== "key0" && (await cluster.blocksOf(key)).some((one) => one.block === block))
        victims.push(key);
    const [victim] = victims;
    if (victim === undefined) throw new Error("the block has other needles");
    const needles = async (device: DeviceId) =>
      (await cluster.host(cluster.at(device)).server?.blocks(device, block - 1, 1))?.[0]?.needles;
    let isRemoved = false;
    cluster.around = async ({ name, given }, go) => {
      const answer = await go();
      const order = given[0] as { block?: number };
      if (name !== "rebuild" || order.block !== block || isRemoved) return answer;
      isRemoved = true;
      const [member] = (await firstBlock(cluster)).members;
      if (member === undefined) throw new Error("a block has members");
      const before = (await needles(member)) ?? 0;
      await cluster.names.execute({ type: "deleteObject", bucket: "b", key: victim });
      await cluster.until(async () => ((await needles(member)) ?? 0) < before, "it is not removed");
      return answer;
    };
    await drain(cluster, await someMember(cluster));
    await cluster.until(async () => isRemoved, "nothing is made anew");
    await cluster.whole();
    contents.delete(victim);
    const counts = await Promise.all((await firstBlock(cluster)).members.map(needles));
    expect(new Set(counts).size).toBe(1);
    await expectAll(cluster, contents);
  },
);

test.each(schemes)(
  "a device that is back while its substitute is made stays a member ($k+$m)",
  async (scheme) => {
    const { cluster, contents } = await filledCluster(scheme, scheme.k + scheme.m + 1);
    await using _cluster = cluster;
    const before = (await firstBlock(cluster)).members;
    const lost = cluster.at(before[0]);
    let isBack: Promise<void> | undefined;
    cluster.around = async ({ name }, go) => {
      const answer = await go();
      if (name !== "rebuild" || isBack !== undefined) return answer;
      isBack = (async () => {
        await outAfter(cluster, 0);
        await cluster.start(lost);
        await cluster.until(async () => {
          const { map } = await cluster.names.clusterMap(0);
          return map?.devices.every((one) => one.in) === true;
        }, "it is not in again");
      })();
      await isBack;
      return answer;
    };
    await outAfter(cluster, 50);
    await cluster.kill(lost);
    await cluster.until(async () => isBack !== undefined, "nothing is made anew");
    await isBack;
    await cluster.whole();
    expect((await firstBlock(cluster)).members.toSorted()).toEqual(before.toSorted());
    await expectAll(cluster, contents);
  },
);

test.each([
  { k: 1, m: 2 },
  { k: 2, m: 2 },
])("a target that dies: another one takes its place ($k+$m)", async (scheme) => {
  const { cluster, contents } = await filledCluster(scheme, scheme.k + scheme.m + 2);
  await using _cluster = cluster;
  const lost = await someMember(cluster);
  let died: number | undefined;
  cluster.around = async ({ name, device }, go) => {
    if (name === "rebuild" && died === undefined) {
      died = cluster.at(device);
      await cluster.kill(died);
    }
    return await go();
  };
  await outAfter(cluster, 50);
  await cluster.kill(lost);
  await cluster.until(async () => died !== undefined, "nothing is made anew");
  await cluster.until(async () => {
    const { members } = await firstBlock(cluster);
    return !members.some((one) => [lost, died].includes(cluster.at(one)));
  }, "members are still there");
  await cluster.whole();
  await expectAll(cluster, contents);
});

test("a target without room says so, and is tried again", async () => {
  const { cluster, contents } = await filledCluster({ k: 1, m: 1 }, 3);
  await using _cluster = cluster;
  let isFull = true;
  cluster.around = async ({ name }, go) => {
    if (name === "rebuild" && isFull) throw new QuarryError("DiskFull", "no room on /disk");
    return await go();
  };
  await drain(cluster, await someMember(cluster));
  await cluster.until(async () => (await cluster.healing()).stuckCount > 0, "it is not stuck");
  const { stuck, lackRoom } = await cluster.healing();
  expect(stuck[0]?.why).toContain("no room on /disk");
  expect(lackRoom?.[0]?.blocks).toBe(1);
  isFull = false;
  await cluster.whole();
  await expectAll(cluster, contents);
});

test("an order to let go whose answer was lost cannot take what the device gets later", async () => {
  const { cluster, contents } = await filledCluster({ k: 1, m: 1 }, 3);
  await using _cluster = cluster;
  const at = await someMember(cluster);
  const device = cluster.device(at);
  const late: (() => Promise<unknown>)[] = [];
  cluster.around = async (call, go) => {
    const isLost = call.name === "retire" && call.device === device && late.length === 0;
    if (!isLost) return await go();
    late.push(go);
    // While it is on its way, the device is wanted again.
    await cluster.names.execute({ type: "changeDevice", device, in: true });
    throw new QuarryError("Timeout", "no answer");
  };
  await drain(cluster, at);
  await cluster.until(async () => late.length > 0, "nothing is retired");
  await cluster.whole();
  expect((await firstBlock(cluster)).members).toContain(device);
  await late[0]?.().catch(() => undefined);
  await cluster.whole();
  expect((await cluster.healing()).work.rebuild.done).toBe(0);
  await expectAll(cluster, contents);
});

test("a block that was harmed while it was open is sealed, and mended", async () => {
  await using cluster = await HealingCluster.open({ hosts: 4, scheme: { k: 1, m: 1 } });
  const content = cluster.random(100 * KiB);
  await cluster.put("key0", content);
  const { block, members } = await firstBlock(cluster);
  const at = cluster.at(members[0]);
  await cluster.kill(at);
  const name = block.toString(16).padStart(8, "0");
  for (const end of [".block", ".index"])
    await cluster
      .host(at)
      .disk.remove(`/disk/${name}${end}`)
      .catch(() => undefined);
  await cluster.start(at);
  await cluster.until(async () => (await cluster.healing()).work.rebuild.done > 0, "not mended");
  await cluster.whole();
  expect(await cluster.held(at)).toContain(block);
  await cluster.kill(cluster.at(members[1]));
  expect((await cluster.get("key0")).equals(content)).toBe(true);
});
