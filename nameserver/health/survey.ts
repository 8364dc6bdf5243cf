/**
 * Looks over all blocks when somebody asks how the cluster stands; those who ask soon after are told
 * the same. Beside the state it keeps only what tells a difference from a delay: when rows changed,
 * and since when members differ.
 */
import type { Clock } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { BlockService, DeviceStatus } from "../../rpc/block-service.ts";
import type { ClusterMap } from "../../rpc/cluster-map.ts";
import { type HealingProgress, usualHealing } from "../../rpc/healing.ts";
import type { BlockHealth, Capacity, Health, PlacementGroup } from "../../rpc/health.ts";
import { placementOf } from "../../rpc/placement.ts";
import type { Group } from "../group/group.ts";
import { keys } from "../keyspace.ts";
import { LocalMap } from "../local-map.ts";
import type { BlockLoss } from "../planner/losses.ts";
import { read } from "../queries/read.ts";
import type { Change } from "../state-store.ts";
import type { Stock } from "../stock/stock.ts";
import { blockRows } from "../workers/block-rows.ts";
import { capacityOf } from "./capacity.ts";
import { concernsOf, type NameserverStanding, type Strangers } from "./concerns.ts";
import { Lasting } from "./differing.ts";
import { GroupTally } from "./group-health.ts";
import { doingWith, healthOf } from "./health.ts";
import { blockHealthOf, Judge } from "./judge.ts";
import type { Judgement } from "./judge-block.ts";
import { RecentRows } from "./recent-rows.ts";
import { type RepairRoom, repairRoomOf } from "./repair-room.ts";
import { Tally } from "./tally.ts";

export interface SurveyOptions {
  readonly group: Pick<Group, "state" | "term">;
  readonly blocks: Pick<BlockService, "devices">;
  readonly map: () => Promise<ClusterMap>;
  readonly stock: Stock;
  readonly clock: Clock;
  readonly report: (message: string) => void;
}

export interface Surveyed {
  readonly health: Health;
  readonly capacity: Capacity;
}

interface Last extends Surveyed {
  readonly repairRoom: RepairRoom | undefined;
  readonly signature: string;
  readonly untilMs: number;
}

/** Blocks that nobody knows, and are named. */
const STRANGERS_NAMED = 5;

export class Survey {
  /** What healing says of itself, when there is a planner. */
  healing: () => HealingProgress | undefined = () => undefined;
  /** What the planner does about a block. */
  planned: (block: BlockId) => string | undefined = () => undefined;
  /** What was found to be lost, needle by needle. */
  losses: () => readonly BlockLoss[] = () => [];
  /** How the other nameservers stand. */
  nameservers: () => readonly NameserverStanding[] = () => [];
  readonly #options: SurveyOptions;
  readonly #recent: RecentRows;
  readonly #local = new LocalMap();
  readonly #differing: Lasting<BlockId>;
  #looking: Promise<Surveyed> | undefined;
  #last: Last | undefined;

  constructor(options: SurveyOptions) {
    this.#options = options;
    this.#recent = new RecentRows(options.clock);
    this.#differing = new Lasting(options.clock);
  }

  /** Rows were written. */
  saw(changes: readonly Change[]): void {
    this.#recent.saw(changes);
  }

  /** What a device that goes or comes changes is told at once. */
  async look(): Promise<Surveyed> {
    const { clock } = this.#options;
    const last = this.#last;
    if (last !== undefined && clock.monotonicMs() < last.untilMs) {
      const { signature } = await this.#moment();
      if (signature === last.signature) return last;
    }
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return await this.#looking;
  }

  async health(): Promise<Health> {
    const { health } = await this.look();
    const healing = this.healing();
    return { ...health, ...(healing !== undefined && { healing }) };
  }

  /** @throws QuarryError `NoSuchBlock`. */
  async block(block: BlockId): Promise<BlockHealth> {
    const { group, stock } = this.#options;
    const { judge } = await this.#moment();
    const row = read(group.state, keys.block(block));
    if (row === undefined) throw new QuarryError("NoSuchBlock", `there is no block ${block}`);
    const judged = judge.of(block, row, stock.holders(block));
    const doing = doingWith(this.healing(), this.planned)(block, judged);
    return { ...blockHealthOf(block, row, judged), ...(doing !== undefined && { doing }) };
  }

  /** Those of a pool that have blocks, behind `after`. @throws QuarryError `NoSuchPool`. */
  async groups(id: number, after: number, limit: number): Promise<PlacementGroup[]> {
    const { group, stock } = this.#options;
    const { judge, placement } = await this.#moment();
    const pool = placement.pool(id);
    if (pool === undefined) throw new QuarryError("NoSuchPool", `there is no pool ${id}`);
    const tally = new GroupTally(pool);
    for await (const { block, row } of blockRows(group.state))
      if (row.pool === id) tally.add(block, row, judge.of(block, row, stock.holders(block)));
    return tally
      .groups()
      .filter(({ pg }) => pg > after)
      .slice(0, limit);
  }

  async #moment() {
    const { group, blocks, map, stock } = this.#options;
    const states = await blocks.devices();
    const placement = placementOf(this.#local.of(await map(), states));
    const known = { placement, states, stock, recent: this.#recent, differing: this.#differing };
    const heard = states.map(
      ({ device, state }) => `${device} ${state} ${stock.of(device) !== undefined}`,
    );
    const signature = [group.term, placement.map.epoch, ...heard].join();
    return { placement, states, judge: new Judge(known), signature };
  }

  /**
   * By device: bytes that no new block may take. It changes slowly, so nobody waits: what is told is
   * what was found out last, and a new look begins when that is long ago.
   */
  keptBytes(): ReadonlyMap<DeviceId, number> | undefined {
    const { clock, report } = this.#options;
    if (!this.#keepsRoom()) return undefined;
    const isOld = (this.#last?.untilMs ?? 0) + limits.repairRoomMs < clock.monotonicMs();
    if (this.#last === undefined || isOld)
      this.look().catch((error: unknown) => report(`the room for repairs is not known: ${error}`));
    return this.#last?.repairRoom?.bytes;
  }

  #keepsRoom(): boolean {
    const settings = read(this.#options.group.state, keys.healing());
    return settings?.keepsRepairRoom ?? usualHealing.keepsRepairRoom;
  }

  async #look(): Promise<Surveyed> {
    const { clock, stock } = this.#options;
    const beganMs = clock.monotonicMs();
    const { placement, states, judge, signature } = await this.#moment();
    const healing = this.healing();
    const tally = new Tally();
    const known = await this.#judgeAll(tally, judge, healing);
    const nowMs = clock.nowMs();
    const repairRoom = this.#keepsRoom() ? repairRoomOf(placement, tally.healable) : undefined;
    const reserveBytes = limits.deviceReserveBytes;
    const { uses } = tally;
    const capacity = capacityOf({ nowMs, placement, states, uses, repairRoom, reserveBytes });
    const concerns = concernsOf({
      ...{ placement, states, tally, capacity, healing, nameservers: this.nameservers() },
      isHeard: (device) => stock.of(device) !== undefined,
      strangers: this.#strangers(states, known),
      losses: this.losses(),
    });
    const health = healthOf({ nowMs, tally, concerns, healing });
    const tookMs = clock.monotonicMs() - beganMs;
    const restMs = Math.max(limits.healthRestMs, tookMs * limits.healthRestShare);
    const untilMs = clock.monotonicMs() + restMs;
    this.#last = { health, capacity, repairRoom, signature, untilMs };
    return this.#last;
  }

  /** @returns the ids of all blocks. */
  async #judgeAll(
    tally: Tally,
    judge: Judge,
    healing: HealingProgress | undefined,
  ): Promise<ReadonlySet<BlockId>> {
    const { group, stock } = this.#options;
    const doing = doingWith(healing, this.planned);
    const known = new Set<BlockId>();
    for await (const { block, row } of blockRows(group.state)) {
      known.add(block);
      const holders = stock.holders(block);
      const judged = judge.of(block, row, holders);
      const words = (judgement: Judgement) => doing(block, judgement);
      const use = row.state === "open" ? read(group.state, keys.blockUse(block)) : undefined;
      tally.add(block, row, judged, holders, words, use?.bytes);
    }
    this.#differing.sweep();
    return known;
  }

  /** Blocks with needles that no row names. */
  #strangers(states: readonly DeviceStatus[], known: ReadonlySet<BlockId>): Strangers {
    const some: { readonly block: BlockId; readonly device: DeviceId }[] = [];
    let count = 0;
    for (const { device } of states)
      for (const [block, { needles }] of this.#options.stock.of(device) ?? []) {
        if (needles === 0 || known.has(block) || this.#recent.has(block)) continue;
        if (++count <= STRANGERS_NAMED) some.push({ block, device });
      }
    return { count, some };
  }
}
