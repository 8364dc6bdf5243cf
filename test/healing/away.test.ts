/** Writes, deletes and rot while members are away: blocks are honest from both sides in the end. */

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { QuarryError } from "../../base/errors.ts";
import type { BlockId } from "../../base/ids.ts";
import { keys } from "../../nameserver/keyspace.ts";
import { read } from "../../nameserver/queries/read.ts";
import { blockRows } from "../../nameserver/workers/block-rows.ts";
import { HealingCluster } from "../healing-cluster.ts";

const MiB = 1024 * 1024;
const KiB = 1024;
const schemes = [
  { k: 1, m: 2 },
  { k: 4, m: 2 },
];

const stateOf = (cluster: HealingCluster, block: BlockId) =>
  read(cluster.names.group.state, keys.block(block))?.state;

async function openBlocks(cluster: HealingCluster) {
  const open = [];
  for await (const { block, row } of blockRows(cluster.names.group.state))
    if (row.state === "open") open.push({ block, row });
  return open;
}

/** Seals what is open, and waits until it has settled. */
async function settleAll(cluster: HealingCluster) {
  const open = await openBlocks(cluster);
  for (const { block, row } of open) await cluster.names.reportBlock(block, row.generation, "full");
  await cluster.until(
    async () =>
      open.every(({ block }) => !["open", "sealed"].includes(stateOf(cluster, block) ?? "")),
    "blocks do not settle",
  );
  return open.map(({ row }) => row);
}

/** Nothing is swept meanwhile, however slow this machine is: a minute is milliseconds here. */
async function unswept<T>(
  cluster: HealingCluster,
  run: () => Promise<T>,
  told: (name: string) => void = () => undefined,
): Promise<T> {
  const before = cluster.onOrder;
  cluster.onOrder = (name) => {
    told(name);
    if (name === "remove" || name === "retire")
      throw new QuarryError("Unavailable", "the writer is not through");
  };
  try {
    return await run();
  } finally {
    cluster.onOrder = before;
  }
}

/** Stores a body; `meanwhile` comes when its first chunk is stored. Resolves with the number of appends. */
async function putSlowly(
  cluster: HealingCluster,
  key: string,
  content: Buffer,
  meanwhile: () => Promise<void>,
): Promise<number> {
  let appends = 0;
  const told = (name: string) => {
    if (name === "append") appends++;
  };
  async function* views() {
    for (let from = 0; from < content.length; from += MiB) {
      yield content.subarray(from, from + MiB);
      if (from !== 4 * MiB) continue;
      await cluster.until(async () => appends >= cluster.hosts.length / 2, "no chunk is stored");
      await meanwhile();
    }
  }
  const etag = createHash("md5").update(content).digest("hex");
  const body = { bytes: views(), lengthBytes: content.length };
  const put = () => cluster.store.put({ bucket: "b", key }, body, () => ({ etag }));
  await unswept(cluster, put, told);
  return appends;
}

describe.each(schemes)("with $k+$m", (scheme) => {
  const count = scheme.k + scheme.m;
  const open = (more = {}) => HealingCluster.open({ hosts: count + scheme.m, scheme, ...more });

  test("a PUT whose blocks settled meanwhile is written anew, also around members that went", async () => {
    await using cluster = await open();
    const content = cluster.random(6 * MiB);
    const appends = await putSlowly(cluster, "slow", content, async () => {
      const rows = await settleAll(cluster);
      const [members] = rows
        .filter((row) => (row.scheme?.k ?? 1) === scheme.k)
        .map((row) => row.members);
      for (const member of members?.slice(0, scheme.m) ?? [])
        await cluster.kill(cluster.at(member));
    });
    expect(appends).toBeGreaterThan(2 * count);
    expect((await cluster.get("slow")).equals(content)).toBe(true);
    for (const { block } of await cluster.blocksOf("slow"))
      expect(stateOf(cluster, block)).toBeDefined();
  });

  test("what was written anew may settle once more before it has a name", async () => {
    await using cluster = await open();
    const content = cluster.random(5 * MiB);
    let settled = 0;
    const { execute } = cluster.names;
    const slow: typeof execute = async (command, once) => {
      if (command.type === "putObject" && settled++ < 2) await settleAll(cluster);
      return await execute.call(cluster.names, command, once);
    };
    Object.assign(cluster.store.names, { execute: slow });
    await unswept(cluster, () => cluster.put("twice", content));
    expect(settled).toBe(3);
    expect((await cluster.get("twice")).equals(content)).toBe(true);
    // Nobody names what was written first: it is swept.
    await cluster.whole();
  });

  test("deletes reach a member that was away, and one that took its place; who returns late lets go", async () => {
    await using cluster = await open({ holdMs: 0 });
    for (let i = 0; i < 6; i++) await cluster.put(`key${i}`, cluster.random(200 * KiB));
    await settleAll(cluster);
    const [first] = await cluster.blocksOf("key0");
    const [short, long] = [cluster.at(first?.members[0]), cluster.at(first?.members[1])];
    await cluster.kill(short);
    await cluster.kill(long);
    await cluster.names.execute({ type: "setHealing", change: { outAfterMs: 0 } });
    for (let i = 0; i < 6; i++)
      await cluster.names.execute({ type: "deleteObject", bucket: "b", key: `key${i}` });
    await cluster.start(short);
    await cluster.names.execute({ type: "setHealing", change: { outAfterMs: 50 } });
    const isEmpty = async () => {
      for await (const { row } of blockRows(cluster.names.group.state))
        if (row.state !== "open") return false;
      return true;
    };
    await cluster.until(isEmpty, "emptied blocks do not go");
    await cluster.start(long);
    await cluster.until(async () => {
      const known = new Set((await openBlocks(cluster)).map(({ block }) => block));
      return ((await cluster.held(long)) ?? []).every((block) => known.has(block));
    }, "what returned late stays");
  });

  test.each([
    ["settled", true],
    ["still open", false],
  ])("what a reader finds rotten is made anew, in a block that is %s", async (_, isSettled) => {
    await using cluster = await open();
    const content = cluster.random(300 * KiB);
    await cluster.put("rotten", content);
    if (isSettled) await settleAll(cluster);
    const [block] = await cluster.blocksOf("rotten");
    const at = cluster.at(block?.members[0]);
    const { disk } = cluster.host(at);
    const name = (block?.block ?? 0).toString(16).padStart(8, "0");
    const byte = () => disk.contentOf(`/disk/${name}.block`)?.[FLIPPED];
    const before = byte();
    disk.flip(`/disk/${name}.block`, FLIPPED);
    expect(stateOf(cluster, block?.block as BlockId)).toBe(isSettled ? "settled" : "open");
    await cluster.until(async () => {
      expect((await cluster.get("rotten")).equals(content)).toBe(true);
      return byte() === before;
    }, "it stays rotten");
    await cluster.whole();
    expect(await isSound(cluster, at)).toBe(true);
  });
});

/** In the data of the first needle. */
const FLIPPED = 64 + 32 + 5_000;

/** All that a host has was read, and nothing found. */
async function isSound(cluster: HealingCluster, at: number): Promise<boolean> {
  const { server } = cluster.host(at);
  const found = await server?.scrub(cluster.device(at), { bytesPerSecond: 2 ** 40 });
  return found?.bad === 0;
}
