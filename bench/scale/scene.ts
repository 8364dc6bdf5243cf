/** The simulated cluster at work: the real planner over the real stock, on a clock that is moved on. */
import { sleep } from "../../base/clock.ts";
import { SimulatedClock } from "../../base/clock-simulated.ts";
import { assert } from "../../base/errors.ts";
import type { BlockId, Term } from "../../base/ids.ts";
import { BlockClaims } from "../../nameserver/block-claims.ts";
import type { AnyCommand } from "../../nameserver/command.ts";
import type { Group } from "../../nameserver/group/group.ts";
import { Planner } from "../../nameserver/planner/planner.ts";
import { Puller } from "../../nameserver/stock/puller.ts";
import { blockRows } from "../../nameserver/workers/block-rows.ts";
import type { HealingProgress } from "../../rpc/healing.ts";
import { Cluster, type Stand } from "./cluster.ts";
import { ModelledBlocks } from "./modelled-blocks.ts";
import type { Setting } from "./setting.ts";

/** Until a command is durable with a majority and applied. */
const COMMIT_MS = 5;
const LOOK_MS = 100;
const OUT_AFTER_MS = 10_000;

export class Scene implements AsyncDisposable {
  readonly clock: SimulatedClock;
  readonly cluster: Cluster;
  readonly blocks: ModelledBlocks;
  readonly puller: Puller;
  readonly planner: Planner;
  readonly complaints: string[] = [];
  commands = 0;

  private constructor(clock: SimulatedClock, cluster: Cluster, blocks: ModelledBlocks) {
    this.clock = clock;
    this.cluster = cluster;
    this.blocks = blocks;
    const group = this.#group();
    const report = (message: string) => {
      if (this.complaints.length < 100) this.complaints.push(message);
    };
    const { heardMs, service } = blocks;
    this.puller = new Puller({ group, blocks: service, clock, heardMs, report });
    this.planner = new Planner({
      ...{ group, blocks: service, clock, heardMs, report, changed: cluster.changed },
      ...{ stock: this.puller.stock, claims: new BlockClaims(), map: () => cluster.map() },
      seal: async () => undefined,
    });
  }

  /** Filled, but nobody has heard of anything yet. */
  static async open(setting: Setting): Promise<Scene> {
    const clock = new SimulatedClock();
    const cluster = await Cluster.registered(setting);
    await cluster.fill(setting.simulated);
    // Minutes in which nothing happens say nothing.
    await cluster.propose({ type: "setHealing", change: { outAfterMs: OUT_AFTER_MS } });
    const blocks = new ModelledBlocks(clock, cluster);
    for (const number of cluster.stands.keys()) blocks.add(number);
    for await (const { block, row } of blockRows(cluster.store))
      for (const [piece, device] of row.members.entries())
        if (device !== null) blocks.put(device, block, piece);
    return new Scene(clock, cluster, blocks);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = Promise.all([
      this.planner[Symbol.asyncDispose](),
      this.puller[Symbol.asyncDispose](),
    ]);
    let isOver = false;
    void ended.finally(() => {
      isOver = true;
    });
    await this.until(() => isOver, Number.POSITIVE_INFINITY);
    await ended;
  }

  /** Moves time on from one event to the next, and looks now and then. False: it is not so by then. */
  async until(isSo: () => boolean, forMs: number): Promise<boolean> {
    const { clock } = this;
    const endMs = clock.monotonicMs() + forMs;
    let lookMs = clock.monotonicMs();
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const dueMs = clock.dueMs;
      if (clock.monotonicMs() >= lookMs || dueMs === undefined) {
        if (isSo()) return true;
        lookMs = clock.monotonicMs() + LOOK_MS;
      }
      if (dueMs !== undefined && dueMs > endMs) return false;
      if (dueMs !== undefined) clock.advance(dueMs - clock.monotonicMs());
    }
  }

  async join(stand: Stand): Promise<void> {
    this.blocks.add(await this.cluster.register(stand));
  }

  /** What is left to be done, of all kinds. */
  left(progress: HealingProgress = this.planner.progress()): number {
    return Object.values(progress.work).reduce((sum, one) => sum + one.waiting + one.running, 0);
  }

  /** Pieces that stand on these devices, up or not. */
  piecesOf(numbers: readonly number[]): number {
    return numbers.reduce((sum, number) => sum + this.blocks.count(number), 0);
  }

  /** Every block has all its pieces, in as many racks. @throws when it is not so. */
  async check(): Promise<void> {
    const { stands, setting } = this.cluster;
    let count = 0;
    for await (const { block, row } of blockRows(this.cluster.store)) {
      count++;
      const racks = row.members.map((device, piece) => {
        assert(device !== null, `block ${block} lacks piece ${piece}`);
        const has = this.blocks.has(device, block as BlockId, piece);
        assert(has, `device ${device} lacks piece ${piece} of block ${block}`);
        return stands[this.blocks.numberOf(device)]?.rack;
      });
      const wanted = setting.scheme.k + setting.scheme.m;
      assert(new Set(racks).size === wanted, `block ${block} is in racks ${racks.join()}`);
    }
    assert(count === setting.simulated, `there are ${count} blocks`);
  }

  #group(): Group {
    const { cluster, clock } = this;
    const propose = async (command: AnyCommand) => {
      this.commands++;
      await sleep(clock, COMMIT_MS);
      return await cluster.propose(command);
    };
    return {
      ...{ state: cluster.store, propose, readBarrier: () => sleep(clock, COMMIT_MS) },
      ...{ timeMs: 0, term: 1 as Term, isLeader: true, digest: { a: 0, b: 0 } },
      failed: new Promise<never>(() => undefined),
      get applied() {
        return cluster.applied;
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
}
