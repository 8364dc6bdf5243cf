/**
 * Writes, deletes, hosts that go and come back, rot and seals in any order, with all that a leader does by
 * itself going on: in the end everything acknowledged is there, what was deleted is nowhere, members agree.
 */
import { expect, test } from "vitest";
import { QuarryError } from "../../base/errors.ts";
import type { BlockId } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import { keys } from "../../nameserver/keyspace.ts";
import { read } from "../../nameserver/queries/read.ts";
import { blockRows } from "../../nameserver/workers/block-rows.ts";
import { filled } from "../../rpc/name-service.ts";
import { HealingCluster } from "../healing-cluster.ts";

const KiB = 1024;
const STEPS = 80;
const schemes = [
  { k: 1, m: 2 },
  { k: 4, m: 2 },
  { k: 2, m: 1 },
  { k: 1, m: 1 },
];
const SEEDS = 5;
const cases = Array.from({ length: SEEDS }, (_, i) => i + 1);

const ROTTEN = 1;

class Run {
  readonly cluster: HealingCluster;
  readonly random: ReturnType<typeof seededRandom>;
  readonly contents = new Map<string, Buffer>();
  readonly down = new Set<number>();
  readonly m: number;
  #names = 0;

  constructor(cluster: HealingCluster, seed: number, m: number) {
    this.cluster = cluster;
    this.random = seededRandom(seed);
    this.m = m;
  }

  #below(count: number): number {
    return this.random.u32() % count;
  }

  #oneOf<T>(all: Iterable<T>): T | undefined {
    const list = [...all];
    return list[this.#below(Math.max(1, list.length))];
  }

  async step(): Promise<void> {
    const kind = this.#below(13);
    if (kind < 5) await this.#put();
    else if (kind < 8) await this.#delete();
    else if (kind === 8) await this.#kill();
    else if (kind === 9) await this.#start();
    else if (kind === 10) await this.#seal();
    else if (kind === 11) this.#rot();
    else await new Promise((resume) => setTimeout(resume, this.#below(60)));
  }

  async #put(): Promise<void> {
    const key = `key${this.#names++}`;
    const content = this.random.bytes(1 + this.#below(60 * KiB));
    try {
      await this.cluster.put(key, content);
      this.contents.set(key, content);
    } catch (error) {
      // Refused while too few hosts are there: it may be there, or not.
      if (!(error instanceof QuarryError)) throw error;
    }
  }

  async #delete(): Promise<void> {
    const key = this.#oneOf(this.contents.keys());
    if (key === undefined) return;
    await this.cluster.names.execute({ type: "deleteObject", bucket: "b", key });
    this.contents.delete(key);
  }

  /** One host rots, where there are two parities: with it and another one down all can be read. */
  #rot(): void {
    if (this.m < 2) return;
    const { disk } = this.cluster.host(ROTTEN);
    const path = this.#oneOf(disk.paths().filter((one) => this.#isOfSeveral(one)));
    const length = path === undefined ? 0 : (disk.contentOf(path)?.length ?? 0);
    if (path !== undefined && length > 0) disk.flip(path, this.#below(length), 1 << this.#below(8));
  }

  #isOfSeveral(path: string): boolean {
    const [, digits] = /([0-9a-f]{8})\.block$/.exec(path) ?? [];
    if (digits === undefined) return false;
    const key = keys.block(Number.parseInt(digits, 16) as BlockId);
    return (read(this.cluster.names.group.state, key)?.members.length ?? 0) > 1;
  }

  async #kill(): Promise<void> {
    if (this.down.size >= Math.max(1, this.m - 1)) return;
    const at = this.#below(this.cluster.hosts.length);
    if (this.down.has(at)) return;
    this.down.add(at);
    await this.cluster.kill(at);
  }

  async #start(): Promise<void> {
    const at = this.#oneOf(this.down);
    if (at === undefined) return;
    await this.cluster.start(at);
    this.down.delete(at);
  }

  async #seal(): Promise<void> {
    const key = this.#oneOf(this.contents.keys());
    if (key !== undefined) await this.cluster.seal(key);
  }

  async end(): Promise<void> {
    for (const at of this.down) await this.cluster.start(at);
    this.down.clear();
    for await (const { block, row } of blockRows(this.cluster.names.group.state))
      if (row.state === "open") await this.cluster.names.reportBlock(block, row.generation, "full");
    await this.#scrub();
    await this.cluster.until(() => this.#agree(), "members do not agree in the end");
    await this.cluster.whole();
  }

  async #scrub(): Promise<void> {
    for (const [at, { server }] of this.cluster.hosts.entries())
      await server?.scrub(this.cluster.device(at), { bytesPerSecond: 2 ** 40 });
  }

  /** All that is named is read back, and every block's members hold the same needles, at its generation. */
  async #agree(): Promise<boolean> {
    for await (const { block, row } of blockRows(this.cluster.names.group.state)) {
      if (row.state === "sealed") return false;
      if (row.state === "open") continue;
      const held = await Promise.all(
        filled(row.members).map(async (device) => {
          const [status] = await this.cluster.blocks.blocks(device, block - 1, 1);
          return status?.block === block ? status : undefined;
        }),
      );
      if (held.length < row.members.length) return false;
      for (const status of held)
        if (
          status?.generation !== row.generation ||
          status.digest !== held[0]?.digest ||
          status.damage.length > 0
        )
          return false;
    }
    return true;
  }
}

test.each(cases)(
  "seed %i",
  async (seed) => {
    const scheme = schemes[seed % schemes.length] ?? { k: 1, m: 1 };
    const hosts = scheme.k + scheme.m + 2;
    const more = { seed, blockBytes: 256 * KiB, holdMs: 0 };
    await using cluster = await HealingCluster.open({ hosts, scheme, ...more });
    await cluster.names.execute({ type: "setHealing", change: { outAfterMs: 300 } });
    const run = new Run(cluster, seed, scheme.m);
    for (let step = 0; step < STEPS; step++) await run.step();
    await run.end();
    for (const [key, content] of run.contents)
      expect((await cluster.get(key)).equals(content), key).toBe(true);
    expect(cluster.told.filter((line) => line.includes("are lost"))).toEqual([]);
    // Nobody keeps what is no member's.
    await cluster.until(async () => {
      for (const [at] of cluster.hosts.entries())
        for (const block of (await cluster.held(at)) ?? [])
          if (
            !filled(
              (await cluster.names.locate(block).catch(() => ({ members: [] }))).members,
            ).includes(cluster.device(at))
          )
            return false;
      return true;
    }, "somebody keeps what is no member's");
  },
  60_000,
);
