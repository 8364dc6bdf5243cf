/**
 * Looks over all blocks when somebody asks how the cluster stands; those who ask soon after are told
 * the same. Beside the state it keeps only what tells a difference from a delay: when rows changed,
 * and since when members differ.
 */
import type { Clock } from "../../base/clock.ts";
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { BlockService, DeviceStatus } from "../../rpc/block-service.ts";
import type { ClusterMap } from "../../rpc/cluster-map.ts";
import { type HealingProgress, usualHealing } from "../../rpc/healing.ts";
import type { Capacity, Health } from "../../rpc/health.ts";
import { type Placement, placementOf } from "../../rpc/placement.ts";
import { WHOLE } from "../../rpc/pool.ts";
import type { Group } from "../group/group.ts";
import { keys } from "../keyspace.ts";
import { LocalMap } from "../local-map.ts";
import type { BlockLoss } from "../planner/losses.ts";
import { read } from "../queries/read.ts";
import type { BlockRow } from "../rows.ts";
import type { Change } from "../state-store.ts";
import type { Stock } from "../stock/stock.ts";
import { blockRows } from "../workers/block-rows.ts";
import { capacityOf } from "./capacity.ts";
import { concernsOf, type NameserverStanding, type Strangers } from "./concerns.ts";
import { differingOf, Lasting } from "./differing.ts";
import { doingWith, healthOf } from "./health.ts";
import { type Judgement, judgeBlock, type Standing } from "./judge-block.ts";
import { RecentRows } from "./recent-rows.ts";
import { type RepairRoom, repairRoomOf } from "./repair-room.ts";
import { Tally } from "./tally.ts";

export interface SurveyOptions {
  readonly group: Pick<Group, "state">;
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

interface Kept {
  readonly repairRoom: RepairRoom | undefined;
}

/** Blocks that nobody knows, and are named. */
const STRANGERS_NAMED = 5;

export class Survey {
  /** What healing says of itself, when there is a planner. */
  healing: () => HealingProgress | undefined = () => undefined;
  /** What was found to be lost, needle by needle. */
  losses: () => readonly BlockLoss[] = () => [];
  /** How the other nameservers stand. */
  nameservers: () => readonly NameserverStanding[] = () => [];
  readonly #options: SurveyOptions;
  readonly #recent: RecentRows;
  readonly #local = new LocalMap();
  readonly #differing: Lasting<BlockId>;
  #looking: Promise<Surveyed> | undefined;
  #last: (Surveyed & Kept & { readonly untilMs: number }) | undefined;

  constructor(options: SurveyOptions) {
    this.#options = options;
    this.#recent = new RecentRows(options.clock);
    this.#differing = new Lasting(options.clock);
  }

  /** Rows were written. */
  saw(changes: readonly Change[]): void {
    this.#recent.saw(changes);
  }

  async look(): Promise<Surveyed> {
    const { clock } = this.#options;
    if (this.#last !== undefined && clock.monotonicMs() < this.#last.untilMs) return this.#last;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return await this.#looking;
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
    const { clock, blocks, map, stock } = this.#options;
    const beganMs = clock.monotonicMs();
    const states = await blocks.devices();
    const placement = placementOf(this.#local.of(await map(), states));
    const healing = this.healing();
    const tally = new Tally();
    const known = await this.#judgeAll(tally, placement, states, healing);
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
    this.#last = { health, capacity, repairRoom, untilMs: clock.monotonicMs() + restMs };
    return this.#last;
  }

  /** @returns the ids of all blocks. */
  async #judgeAll(
    tally: Tally,
    placement: Placement,
    states: readonly DeviceStatus[],
    healing: HealingProgress | undefined,
  ): Promise<ReadonlySet<BlockId>> {
    const { group, stock } = this.#options;
    const standing = standings(placement, states, stock);
    const doing = doingWith(healing);
    const known = new Set<BlockId>();
    for await (const { block, row } of blockRows(group.state)) {
      known.add(block);
      const holders = stock.holders(block);
      const judged = judgeBlock({
        ...{ row, holders, standing },
        isFresh: this.#recent.has(block),
        pool: placement.pool(row.pool),
        desired: placement.devicesOf(block, row.scheme ?? WHOLE),
        differing: this.#differingOf(block, row, holders),
      });
      const words = (judgement: Judgement) => doing(block, judgement);
      const use = row.state === "open" ? read(group.state, keys.blockUse(block)) : undefined;
      tally.add(block, row, judged, holders, words, use?.bytes);
    }
    this.#differing.sweep();
    return known;
  }

  #differingOf(block: BlockId, row: BlockRow, holders: ReturnType<Stock["holders"]>) {
    const { members, signature } = differingOf(row, holders);
    if (members.size === 0) return nobody;
    const lasts = this.#differing.lasts(block, signature);
    return new Map([...members].map((member) => [member, lasts]));
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

const nobody: ReadonlyMap<DeviceId, boolean> = new Map();

function standings({ map }: Placement, states: readonly DeviceStatus[], stock: Stock) {
  const byId = new Map(states.map((one) => [one.device, one.state]));
  const all = new Map(
    map.devices.map(({ device, in: isIn }): [DeviceId, Standing] => {
      const isHeard = stock.of(device) !== undefined;
      return [device, { state: byId.get(device) ?? "down", in: isIn, isHeard }];
    }),
  );
  return (device: DeviceId) => all.get(device);
}
