/** Seeded: hosts die, return, are drained, are added, are harmed, while objects come and go. */
import { expect, test } from "vitest";
import { hasCode } from "../../base/errors.ts";
import type { DeviceId } from "../../base/ids.ts";
import { type Random, seededRandom } from "../../base/random.ts";
import { HealingCluster } from "../healing-cluster.ts";

const KiB = 1024;
const STEPS = 60;
const LONG_MS = 120_000;

class Chaos {
  readonly cluster: HealingCluster;
  readonly contents = new Map<string, Buffer>();
  readonly gone = new Set<string>();
  readonly down = new Set<number>();
  readonly drained = new Set<number>();
  readonly #random: Random;
  readonly #tolerance: number;
  #keys = 0;

  constructor(cluster: HealingCluster, random: Random, tolerance: number) {
    this.cluster = cluster;
    this.#random = random;
    this.#tolerance = tolerance;
  }

  #pick(count: number): number {
    return this.#random.u32() % count;
  }

  async step(): Promise<void> {
    switch (this.#pick(10)) {
      case 0:
      case 1:
      case 2:
        return await this.#put();
      case 3:
        return await this.#delete();
      case 4:
        return await this.#kill();
      case 5:
        return await this.#start();
      case 6:
        return await this.#drain();
      case 7:
        return await this.#harm();
      case 8:
        return await this.cluster.settled();
      default:
        for (const key of [...this.contents.keys()].slice(-3)) await this.read(key);
    }
  }

  async read(key: string): Promise<void> {
    const found = await this.cluster.get(key);
    expect(found.equals(this.contents.get(key) ?? Buffer.alloc(0)), key).toBe(true);
  }

  async #put(): Promise<void> {
    const key = `key${this.#keys++}`;
    const content = this.#random.bytes((1 + this.#pick(300)) * KiB);
    try {
      await this.cluster.put(key, content);
    } catch (error) {
      // With hosts down that are not out yet there may be too few for a new block.
      if (this.down.size === 0 || !hasCode(error, "Unavailable")) throw error;
      return;
    }
    this.contents.set(key, content);
    if (this.#pick(2) === 0) await this.cluster.seal(key);
  }

  async #delete(): Promise<void> {
    const keys = [...this.contents.keys()];
    const key = keys[this.#pick(Math.max(1, keys.length))];
    if (key === undefined) return;
    await this.cluster.names.execute({ type: "deleteObject", bucket: "b", key });
    this.contents.delete(key);
    this.gone.add(key);
  }

  /** Only as many as any block may miss, and only when it is whole otherwise. */
  async #kill(): Promise<void> {
    const at = this.#pick(this.cluster.hosts.length);
    if (this.down.has(at) || this.down.size >= this.#tolerance) return;
    if (this.down.size === 0) await this.cluster.settled();
    this.down.add(at);
    await this.cluster.kill(at);
  }

  async #start(): Promise<void> {
    const [at] = this.down;
    if (at === undefined) return;
    await this.cluster.start(at);
    this.down.delete(at);
    await this.cluster.settled();
  }

  async #drain(): Promise<void> {
    const isIn = this.drained.size > 0;
    const at = isIn ? [...this.drained][0] : this.#pick(this.cluster.hosts.length);
    if (at === undefined) return;
    const device = this.cluster.device(at);
    await this.cluster.names.execute({ type: "changeDevice", device, in: isIn });
    if (isIn) this.drained.delete(at);
    else this.drained.add(at);
  }

  /** While all hosts are up: a bit of one block of one device. */
  async #harm(): Promise<void> {
    if (this.down.size > 0) return;
    await this.cluster.settled();
    const at = this.#pick(this.cluster.hosts.length);
    const held = (await this.cluster.held(at)) ?? [];
    const block = held[this.#pick(Math.max(1, held.length))];
    if (block === undefined) return;
    const name = `/disk/${block.toString(16).padStart(8, "0")}.block`;
    this.cluster.host(at).disk.flip(name, 64 + this.#pick(200));
    const { server } = this.cluster.host(at);
    await server?.scrub(this.cluster.device(at) as DeviceId, { bytesPerSecond: 1e9 }, block);
    await this.cluster.settled();
  }

  async end(): Promise<void> {
    for (const at of [...this.down]) await this.cluster.start(at);
    for (const at of this.drained) {
      const device = this.cluster.device(at);
      await this.cluster.names.execute({ type: "changeDevice", device, in: true });
    }
    await this.cluster.settled();
    await this.cluster.whole();
    for (const key of this.contents.keys()) await this.read(key);
    for (const key of this.gone) await expect(this.cluster.get(key)).rejects.toThrow();
  }
}

test.each([
  [1, { k: 1, m: 2 }, 6],
  [2, { k: 1, m: 2 }, 6],
  [3, { k: 2, m: 2 }, 6],
  [4, { k: 2, m: 2 }, 6],
])(
  "seed %d, %j over %d hosts: nothing is lost, and all is whole in the end",
  async (seed, scheme, hosts) => {
    await using cluster = await HealingCluster.open({ hosts, scheme, seed, blockBytes: 512 * KiB });
    await cluster.names.execute({ type: "setHealing", change: { outAfterMs: 300 } });
    const chaos = new Chaos(cluster, seededRandom(seed), scheme.m);
    for (let i = 0; i < STEPS; i++) await chaos.step();
    await chaos.end();
  },
  LONG_MS,
);
