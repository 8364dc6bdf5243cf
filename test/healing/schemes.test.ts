/** A pool's scheme, failure domain or class of devices changes while its objects are read and deleted. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { type BlockMembers, filled, type OpenBlock } from "../../rpc/name-service.ts";
import type { PoolScheme } from "../../rpc/pool.ts";
import { HealingCluster } from "../healing-cluster.ts";

const KiB = 1024;
const SIZES = [1, 40 * KiB + 1, 40 * KiB + 2, 300 * KiB];

class Scene implements AsyncDisposable {
  readonly cluster: HealingCluster;
  readonly contents = new Map<string, Buffer>();
  readonly #pool: number;
  #names = 0;
  #reading: Promise<void> = Promise.resolve();
  #isOver = false;

  private constructor(cluster: HealingCluster, pool: number) {
    this.cluster = cluster;
    this.#pool = pool;
  }

  static async open(hosts: number, scheme: PoolScheme, racks?: number): Promise<Scene> {
    const cluster = await HealingCluster.open({ hosts, scheme, ...(racks && { racks }) });
    const { map } = await cluster.names.clusterMap(0);
    const pool = map?.pools.find(({ name }) => name === "pieces")?.id;
    if (pool === undefined) throw new Error("there is a pool for pieces");
    return new Scene(cluster, pool);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#reading.catch(() => undefined);
    await this.cluster[Symbol.asyncDispose]();
  }

  async write(count = 12): Promise<void> {
    for (let i = 0; i < count; i++) {
      const key = `key${this.#names++}`;
      const content = this.cluster.random(SIZES[i % SIZES.length] ?? 1);
      await this.cluster.put(key, content);
      this.contents.set(key, content);
    }
    for (const key of this.contents.keys()) await this.cluster.seal(key);
    await this.cluster.whole();
  }

  async change(change: object): Promise<void> {
    await this.cluster.names.execute({ type: "changePool", pool: this.#pool, change });
  }

  async blocks(): Promise<OpenBlock[]> {
    const all = await Promise.all(
      [...this.contents.keys()].map((key) => this.cluster.blocksOf(key)),
    );
    // Those of few bytes are in the other pool.
    const ours = all.flat().filter(({ pool }) => pool === this.#pool);
    return [...new Map(ours.map((one) => [one.block, one])).values()];
  }

  /** Until all blocks are so, every object is read again and again. */
  async until(is: (block: OpenBlock) => boolean, what: string): Promise<void> {
    this.#isOver = false;
    this.#reading = this.#read();
    await this.cluster.until(async () => (await this.blocks()).every(is), what);
    this.#isOver = true;
    await this.#reading;
    await this.cluster.whole();
    await this.expectAll();
  }

  async #read(): Promise<void> {
    while (!this.#isOver) {
      await this.expectAll();
      // All of it runs in this process: the others have their turn.
      await sleep(5);
    }
  }

  async expectAll(): Promise<void> {
    for (const [key, content] of [...this.contents]) {
      if (!this.contents.has(key)) continue;
      try {
        expect((await this.cluster.get(key)).equals(content), key).toBe(true);
      } catch (error) {
        // Here nothing is held for readers: one that was deleted since then may be gone.
        if (this.contents.has(key)) throw error;
      }
    }
  }

  async delete(count: number): Promise<void> {
    for (const key of [...this.contents.keys()].slice(0, count)) {
      this.contents.delete(key);
      await this.cluster.names.execute({ type: "deleteObject", bucket: "b", key });
    }
  }

  /** Of those with objects: what is open, and empty, stays where it was opened. */
  async misplaced(): Promise<number> {
    const { atRisk } = await this.cluster.names.health();
    const ours = new Set((await this.blocks()).map(({ block }) => block));
    return atRisk.filter(({ level, block }) => level === "misplaced" && ours.has(block)).length;
  }

  /** Nobody holds what is no member's, members agree, and nothing is staged any more. */
  async expectTidy(): Promise<void> {
    await this.cluster.until(async () => {
      const members = new Map<number, BlockMembers>();
      for (const { block, members: devices } of await this.blocks()) members.set(block, devices);
      for (const at of this.cluster.hosts.keys())
        for (const block of (await this.cluster.held(at)) ?? [])
          if (members.get(block)?.includes(this.cluster.device(at)) === false) return false;
      return true;
    }, "somebody keeps what is no member's");
    for (const { disk } of this.cluster.hosts)
      expect(disk.paths().filter((path) => path.includes(".staged"))).toEqual([]);
  }
}

const hasScheme =
  ({ k, m }: PoolScheme, layout: OpenBlock["layout"]) =>
  (block: OpenBlock) =>
    block.layout === layout && block.scheme.k === k && block.scheme.m === m;

test("4+2 becomes 6+3: split blocks become stripes, what is new is split", async () => {
  await using scene = await Scene.open(10, { k: 4, m: 2 });
  await scene.write();
  const wide = { k: 6, m: 3 };
  await scene.change({ scheme: wide });
  await scene.until(hasScheme(wide, "striped"), "blocks keep their scheme");
  await scene.expectTidy();
  await scene.write(3);
  expect((await scene.blocks()).some(hasScheme(wide, "split"))).toBe(true);
  await scene.cluster.until(async () => (await scene.misplaced()) === 0, "something is misplaced");
  for (const at of [0, 4, 8]) await scene.cluster.kill(at);
  await scene.expectAll();
});

test("4+2 becomes 1+2, and 4+2 again, and 3+1", async () => {
  await using scene = await Scene.open(8, { k: 4, m: 2 });
  await scene.write();
  await scene.change({ scheme: { k: 1, m: 2 } });
  await scene.until(hasScheme({ k: 1, m: 2 }, "whole"), "blocks are not whole");
  await scene.change({ scheme: { k: 4, m: 2 } });
  await scene.until(hasScheme({ k: 4, m: 2 }, "striped"), "blocks are no stripes");
  await scene.delete(4);
  await scene.change({ scheme: { k: 3, m: 1 } });
  await scene.until(hasScheme({ k: 3, m: 1 }, "striped"), "stripes keep their scheme");
  await scene.expectTidy();
  await scene.cluster.until(async () => (await scene.misplaced()) === 0, "something is misplaced");
});

test("objects are deleted while their blocks are converted", async () => {
  await using scene = await Scene.open(8, { k: 2, m: 1 });
  await scene.write(24);
  const deleting = new Set<Promise<void>>();
  scene.cluster.around = async ({ name }, go) => {
    const isPart = name === "stage" || name === "switchGeneration" || name === "inventory";
    if (isPart && scene.contents.size > 8) deleting.add(scene.delete(1));
    return await go();
  };
  await scene.change({ scheme: { k: 4, m: 2 } });
  await scene.until(hasScheme({ k: 4, m: 2 }, "striped"), "blocks keep their scheme");
  await Promise.all(deleting);
  await scene.cluster.until(async () => {
    const held = new Map<number, Set<string>>();
    for (const [at, { server }] of scene.cluster.hosts.entries())
      for (const one of (await server?.blocks(scene.cluster.device(at), 0, 1000)) ?? [])
        held.set(one.block, (held.get(one.block) ?? new Set()).add(`${one.digest} ${one.needles}`));
    return (await scene.blocks()).every(({ block }) => held.get(block)?.size === 1);
  }, "members differ");
  await scene.expectAll();
});

test("too few places for the new scheme: said as misplaced, and done when there are enough", async () => {
  await using scene = await Scene.open(7, { k: 4, m: 2 });
  await scene.write(6);
  const wide = { k: 6, m: 2 };
  await scene.change({ scheme: wide });
  const count = (await scene.blocks()).length;
  await scene.cluster.until(
    async () => (await scene.misplaced()) === count,
    "nothing is said of it",
  );
  await scene.expectAll();
  await scene.cluster.add();
  await scene.until(hasScheme(wide, "striped"), "blocks keep their scheme");
  await scene.cluster.until(async () => (await scene.misplaced()) === 0, "it is said still");
});

test("another failure domain moves pieces to where the pool wants them", async () => {
  await using scene = await Scene.open(8, { k: 2, m: 1 }, 4);
  await scene.write();
  await scene.change({ failureDomain: "rack" });
  await scene.until(({ members }) => {
    const racks = filled(members).map((device) => scene.cluster.at(device) % 4);
    return new Set(racks).size === 3;
  }, "pieces share a rack");
  await scene.expectTidy();
  await scene.cluster.until(async () => (await scene.misplaced()) === 0, "something is misplaced");
});

test("another class of devices: all pieces move there", async () => {
  await using scene = await Scene.open(8, { k: 2, m: 1 });
  await scene.write();
  const fast = [1, 3, 5, 7].map((at) => scene.cluster.device(at));
  for (const device of fast) {
    const at = scene.cluster.at(device);
    const offered = { device, capacityBytes: 2 ** 40, class: "ssd" };
    await scene.cluster.names.execute({
      ...{ type: "registerDataserver", server: scene.cluster.host(at).uuid },
      ...{ address: `host:${7000 + at}`, version: "1" },
      ...{ location: { host: `host${at}` }, devices: [offered] },
    });
  }
  await scene.change({ deviceClass: "ssd" });
  await scene.until(
    ({ members }) => filled(members).every((device) => fast.includes(device)),
    "pieces stand elsewhere",
  );
  await scene.expectTidy();
  await scene.cluster.until(async () => (await scene.misplaced()) === 0, "something is misplaced");
});
