/** The planner end to end: hosts that are lost, return, come and are drained; pools that change. */
import { expect, test } from "vitest";
import { filled } from "../../rpc/name-service.ts";
import { HealingCluster } from "../healing-cluster.ts";

const KiB = 1024;
const schemes = [
  { k: 1, m: 2 },
  { k: 4, m: 2 },
];

const outAfter = (cluster: HealingCluster, outAfterMs: number) =>
  cluster.names.execute({ type: "setHealing", change: { outAfterMs } });

test.each(schemes)("a lost host: what it had is made anew elsewhere ($k+$m)", async (scheme) => {
  await using cluster = await HealingCluster.open({ hosts: scheme.k + scheme.m + 2, scheme });
  const contents = new Map<string, Buffer>();
  for (let i = 0; i < 12; i++) contents.set(`key${i}`, cluster.random(300 * KiB));
  for (const [key, content] of contents) await cluster.put(key, content);
  for (const key of contents.keys()) await cluster.seal(key);
  await cluster.whole();
  const [first] = await cluster.blocksOf("key0");
  const lost = cluster.at(first?.members[1]);
  await outAfter(cluster, 100);
  await cluster.kill(lost);
  await cluster.until(async () => {
    const members = await Promise.all([...contents.keys()].map((key) => cluster.blocksOf(key)));
    return !members.flat().some((one) => one.members.includes(cluster.device(lost)));
  }, "members are still there");
  await cluster.whole();
  // Any m others may go, and everything is there.
  for (const key of contents.keys())
    for (const { members } of await cluster.blocksOf(key))
      expect(new Set(filled(members)).size).toBe(scheme.k + scheme.m);
  await outAfter(cluster, 0);
  const others = cluster.hosts.map((_, at) => at).filter((at) => at !== lost);
  for (const at of others.slice(0, scheme.m)) await cluster.kill(at);
  for (const [key, content] of contents)
    expect((await cluster.get(key)).equals(content), key).toBe(true);
});

async function filledCluster(scheme: { k: number; m: number }, hosts: number, objects = 12) {
  const cluster = await HealingCluster.open({ hosts, scheme });
  const contents = new Map<string, Buffer>();
  for (let i = 0; i < objects; i++) contents.set(`key${i}`, cluster.random(300 * KiB));
  for (const [key, content] of contents) await cluster.put(key, content);
  for (const key of contents.keys()) await cluster.seal(key);
  await cluster.whole();
  return { cluster, contents };
}

async function expectAll(cluster: HealingCluster, contents: ReadonlyMap<string, Buffer>) {
  for (const [key, content] of contents)
    expect((await cluster.get(key)).equals(content), key).toBe(true);
}

async function membersOf(cluster: HealingCluster, keys: Iterable<string>) {
  const all = await Promise.all([...keys].map((key) => cluster.blocksOf(key)));
  return new Set(all.flat().flatMap(({ members }) => filled(members)));
}

test.each(schemes)(
  "a drained host is emptied, and used again when it is in ($k+$m)",
  async (scheme) => {
    const { cluster, contents } = await filledCluster(scheme, scheme.k + scheme.m + 2);
    await using _cluster = cluster;
    const [first] = await cluster.blocksOf("key0");
    const drained = cluster.at(first?.members[0]);
    const device = cluster.device(drained);
    await cluster.names.execute({ type: "changeDevice", device, in: false });
    await cluster.until(async () => (await cluster.held(drained))?.length === 0, "it is not empty");
    await cluster.whole();
    expect(cluster.told.join()).toContain(`device ${device} is out and holds nothing any more`);
    expect((await cluster.healing()).leaving).toEqual([]);
    expect(await membersOf(cluster, contents.keys())).not.toContain(device);
    await expectAll(cluster, contents);
    await cluster.names.execute({ type: "changeDevice", device, in: true });
    await cluster.until(
      async () => (await membersOf(cluster, contents.keys())).has(device),
      "nothing comes back",
    );
    await cluster.whole();
    await expectAll(cluster, contents);
  },
);

test.each(schemes)("a host that comes gets its share ($k+$m)", async (scheme) => {
  const { cluster, contents } = await filledCluster(scheme, scheme.k + scheme.m);
  await using _cluster = cluster;
  const device = cluster.device(await cluster.add());
  const weighty = { type: "changeDevice", device, weight: 3 * 65_536 } as const;
  await cluster.names.execute(weighty);
  await cluster.until(
    async () => (await membersOf(cluster, contents.keys())).has(device),
    "nothing comes to it",
  );
  await cluster.whole();
  await expectAll(cluster, contents);
});

test("more copies and fewer: the pool's scheme changes while it is in use", async () => {
  const { cluster, contents } = await filledCluster({ k: 1, m: 1 }, 5);
  await using _cluster = cluster;
  const copies = async () => {
    const held = await Promise.all(cluster.hosts.map((_, at) => cluster.held(at)));
    const [first] = await cluster.blocksOf("key0");
    return held.filter((blocks) => blocks?.includes(first?.block as never)).length;
  };
  expect(await copies()).toBe(2);
  for (const m of [2, 0, 1]) {
    const change = { scheme: { k: 1, m } };
    await cluster.names.execute({ type: "changePool", pool: 0, change });
    await cluster.until(async () => (await copies()) === m + 1, `not ${m + 1} copies`);
    await cluster.whole();
    await expectAll(cluster, contents);
  }
});

test.each(schemes)(
  "one that is back soon keeps what it has; one that was out is in again ($k+$m)",
  async (scheme) => {
    const { cluster, contents } = await filledCluster(scheme, scheme.k + scheme.m + 1);
    await using _cluster = cluster;
    const before = await Promise.all([...contents.keys()].map((key) => cluster.blocksOf(key)));
    const [first] = await cluster.blocksOf("key0");
    const lost = cluster.at(first?.members[0]);
    await cluster.kill(lost);
    await cluster.start(lost);
    await cluster.whole();
    expect((await cluster.healing()).work.rebuild.done).toBe(0);
    await outAfter(cluster, 50);
    await cluster.kill(lost);
    await cluster.until(
      async () => !(await membersOf(cluster, contents.keys())).has(cluster.device(lost)),
      "it is not out",
    );
    await cluster.whole();
    await cluster.start(lost);
    await cluster.until(
      async () => (await membersOf(cluster, contents.keys())).has(cluster.device(lost)),
      "it is not in again",
    );
    await cluster.whole();
    const after = await Promise.all([...contents.keys()].map((key) => cluster.blocksOf(key)));
    const sorted = (all: typeof after) =>
      all.flat().map(({ members }) => filled(members).toSorted());
    expect(sorted(after)).toEqual(sorted(before));
    await expectAll(cluster, contents);
  },
);

test("without room for another copy it says so, and goes on when there is", async () => {
  const { cluster, contents } = await filledCluster({ k: 1, m: 2 }, 4, 3);
  await using _cluster = cluster;
  const [first] = await cluster.blocksOf("key0");
  const members = filled(first?.members ?? []);
  for (const device of members.slice(0, 1))
    await cluster.names.execute({ type: "changeDevice", device, in: false });
  await cluster.whole();
  const [second] = filled((await cluster.blocksOf("key0"))[0]?.members ?? []);
  if (second === undefined) throw new Error("there are members");
  await cluster.names.execute({ type: "changeDevice", device: second, in: false });
  await cluster.until(async () => (await cluster.healing()).stuckCount > 0, "it is not stuck");
  const [stuck] = (await cluster.healing()).stuck;
  expect(stuck?.why).toContain("CRUSH finds 2: add 1 host");
  await cluster.add();
  await cluster.whole();
  expect(await membersOf(cluster, contents.keys())).not.toContain(second);
  await expectAll(cluster, contents);
});

test("nothing is moved while it is paused", async () => {
  const { cluster, contents } = await filledCluster({ k: 1, m: 1 }, 4);
  await using _cluster = cluster;
  const pause = (paused: boolean) =>
    cluster.names.execute({ type: "setHealing", change: { paused } });
  await pause(true);
  const [first] = await cluster.blocksOf("key0");
  const device = first?.members[0];
  if (!device) throw new Error("there are members");
  await cluster.names.execute({ type: "changeDevice", device, in: false });
  await cluster.until(async () => (await cluster.healing()).work.move.waiting > 0, "nothing waits");
  expect(await membersOf(cluster, contents.keys())).toContain(device);
  expect((await cluster.healing()).work.move).toMatchObject({ running: 0, done: 0 });
  await pause(false);
  await cluster.whole();
  expect(await membersOf(cluster, contents.keys())).not.toContain(device);
});

test.each(schemes)("harm that the scrub finds is mended in place ($k+$m)", async (scheme) => {
  const { cluster, contents } = await filledCluster(scheme, scheme.k + scheme.m + 1);
  await using _cluster = cluster;
  const [first] = await cluster.blocksOf("key0");
  const at = cluster.at(first?.members[0]);
  const name = (first?.block ?? 0).toString(16).padStart(8, "0");
  cluster.host(at).disk.flip(`/disk/${name}.block`, 64 + 60);
  await cluster.host(at).server?.scrub(cluster.device(at), { bytesPerSecond: 1e9 }, first?.block);
  await cluster.until(async () => (await cluster.healing()).work.rebuild.done > 0, "not mended");
  await cluster.whole();
  const [held] =
    (await cluster.host(at).server?.blocks(cluster.device(at), (first?.block ?? 1) - 1, 1)) ?? [];
  expect(held?.damage).toEqual([]);
  await expectAll(cluster, contents);
});

test("another failure domain: copies go to where the pool wants them now", async () => {
  await using cluster = await HealingCluster.open({ hosts: 6, scheme: { k: 1, m: 1 }, racks: 2 });
  const contents = new Map<string, Buffer>();
  for (let i = 0; i < 8; i++) contents.set(`key${i}`, cluster.random(300 * KiB));
  for (const [key, content] of contents) await cluster.put(key, content);
  for (const key of contents.keys()) await cluster.seal(key);
  await cluster.whole();
  const change = { failureDomain: "rack" } as const;
  await cluster.names.execute({ type: "changePool", pool: 0, change });
  await cluster.until(async () => {
    const blocks = (
      await Promise.all([...contents.keys()].map((key) => cluster.blocksOf(key)))
    ).flat();
    return blocks.every(({ members }) => {
      const racks = filled(members).map((device) => cluster.at(device) % 2);
      return new Set(racks).size === 2;
    });
  }, "copies are in one rack");
  await cluster.whole();
  await expectAll(cluster, contents);
});
