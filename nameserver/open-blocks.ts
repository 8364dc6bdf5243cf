/** The blocks that clients may append to: some in each pool, opened ahead, and sealed when they end. */
import { QuarryError } from "../base/errors.ts";
import type { BlockId, DeviceId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { BlockService, DeviceStatus } from "../rpc/block-service.ts";
import type { ClusterMap } from "../rpc/cluster-map.ts";
import { filled, type OpenBlock } from "../rpc/name-service.ts";
import { type Placement, placementOf } from "../rpc/placement.ts";
import { type Pool, STANDARD } from "../rpc/pool.ts";
import {
  candidatesOf,
  choose,
  endedIn,
  handedOut,
  loadOf,
  takersOf,
  wantedBlocks,
} from "./block-choice.ts";
import { BlockIds } from "./block-ids.ts";
import { BlockLanes, type BlockUse, type Lane } from "./block-lanes.ts";
import { blockOf } from "./block-of.ts";
import { openBlock } from "./block-opener.ts";
import { keys, type RowKey } from "./keyspace.ts";
import { LocalMap } from "./local-map.ts";
import { noRoom } from "./no-room.ts";
import type { OpenBlocksOptions } from "./open-blocks-options.ts";
import { ordersIn } from "./orders.ts";
import { read } from "./queries/read.ts";
import { type TakingStatus, withoutRepairRoom } from "./repair-full.ts";
import type { BlockRow } from "./rows.ts";
import { refusalsNeeded, refuseAppends } from "./seal-block.ts";
import { takeStock } from "./take-stock.ts";
import { inTurn } from "./turns.ts";
import { blockRows, removedBlocks } from "./workers/block-rows.ts";

/** How long to wait after looking for room before looking again. */
const LOOK_AGAIN_MS = 1_000;

export class OpenBlocks {
  readonly #options: OpenBlocksOptions;
  /** Blocks to hand out. */
  readonly #open = new BlockLanes();
  /** Made, but not handed out yet. */
  readonly #opening = new Set<BlockId>();
  readonly #sealing = new Map<BlockId, Promise<void>>();
  readonly #local = new LocalMap();
  /** On devices, whether the metadata know them or not. */
  readonly #found = new Set<BlockId>();
  #ids = this.#newIds();
  #known: Promise<void> | undefined;
  /** In which term of the group stock was taken, and to whom orders of that term are given. */
  #knownTerm: number | undefined;
  #orders: BlockService;

  constructor(options: OpenBlocksOptions) {
    this.#options = options;
    this.#orders = options.blocks;
  }

  /** Where small things of the nameserver's own go. */
  async ownPool(): Promise<number> {
    const { storageClasses } = await this.#options.map();
    return (storageClasses.find(({ name }) => name === STANDARD.name) ?? STANDARD).small;
  }

  /**
   * Of the devices that are up and have room, first one block of each; everybody who asks begins with
   * another, so that several clients spread over the devices.
   * @throws QuarryError `NoSuchPool`; `DiskFull` or `Unavailable` when too few devices take a block.
   */
  async get(pool: number, use: BlockUse = "clients"): Promise<OpenBlock[]> {
    await this.#learn();
    const { clock, report } = this.#options;
    const lane = this.#open.lane(pool, use);
    let usable = this.#usable(lane, await this.#devices());
    if (usable.length === 0) {
      await this.#fill(lane);
      usable = this.#usable(lane, await this.#devices());
    } else if (clock.monotonicMs() - lane.lookedMs > LOOK_AGAIN_MS)
      this.#fill(lane).catch((error: unknown) => report(`no block opened: ${error}`));
    return inTurn(usable, lane.turn++);
  }

  /**
   * Open blocks with none of these devices, which let a client wait. One is opened if there is none, and
   * such blocks have as many members as others: that a device hangs is not sure yet.
   */
  async without(pool: number, devices: readonly DeviceId[]): Promise<OpenBlock[]> {
    await this.#learn();
    const avoid = devices.slice(0, limits.devicesAvoided);
    const isFree = ({ members }: OpenBlock) => !filled(members).some((one) => avoid.includes(one));
    const lane = this.#open.lane(pool, "clients");
    const found = async () => this.#usable(lane, await this.#devices()).filter(isFree);
    const free = await found();
    if (free.length === 0) await this.#fill(lane, avoid);
    return free.length > 0 ? free : await found();
  }

  /** A pool is to go: when no storage class names it, its blocks are sealed, and the empty ones go. */
  async endPool(pool: number): Promise<void> {
    await this.#learn();
    const { storageClasses } = await this.#options.map();
    if (storageClasses.some(({ small, large }) => small === pool || large === pool)) return;
    this.#open.forget((open) => open.pool === pool);
  }

  async #devices(): Promise<readonly TakingStatus[]> {
    const { blocks, keptBytes } = this.#options;
    return withoutRepairRoom(await blocks.devices(), keptBytes?.());
  }

  /** Blocks of a device that is down stay open, and are not handed out until it is up again. */
  #usable(lane: Lane, devices: readonly DeviceStatus[]): OpenBlock[] {
    return handedOut(this.#open.of(lane), devices);
  }

  /** Seals a block that a client saw full, failed or sealed; once, however many report it. */
  async seal(block: BlockId, generation: number, orders = this.#inThisTerm()): Promise<void> {
    const row = read(this.#options.group.state, keys.block(block));
    if (row?.generation !== generation) return;
    this.#open.end(block);
    if (row.state !== "open") return;
    const sealing = this.#sealing.get(block) ?? this.#seal(block, row, orders);
    this.#sealing.set(block, sealing);
    try {
      await sealing;
    } finally {
      this.#sealing.delete(block);
    }
  }

  /**
   * Blocks that are open in the metadata, but not handed out: their sealing did not succeed yet.
   * How many rows there are.
   */
  async sealLeftovers(): Promise<number> {
    const orders = this.#inThisTerm();
    await this.#learn();
    const states = await this.#devices();
    this.#forget(await this.#options.map(), states);
    const down = new Set(states.filter(({ state }) => state === "down").map((one) => one.device));
    let rows = 0;
    for await (const { block, row } of blockRows(this.#options.group.state)) {
      rows++;
      const isLeft = row.state === "open" && !this.#open.has(block) && !this.#opening.has(block);
      const up = filled(row.members).filter((member) => !down.has(member));
      if (isLeft && up.length >= refusalsNeeded(row))
        await this.seal(block, row.generation, orders);
    }
    return rows;
  }

  async #seal(block: BlockId, row: BlockRow, orders: BlockService): Promise<void> {
    const { group, report } = this.#options;
    const { generation } = row;
    if (await refuseAppends({ orders, report }, block, row))
      await group.propose({ type: "sealBlock", block, generation });
  }

  #inThisTerm(): BlockService {
    const { blocks, group } = this.#options;
    const { term } = group;
    if (term !== this.#knownTerm) {
      // Another leader may have opened and sealed blocks since.
      this.#knownTerm = term;
      this.#known = undefined;
      this.#open.forget(() => true);
      this.#found.clear();
      this.#ids = this.#newIds();
      this.#orders = ordersIn(blocks, () => term);
    }
    return this.#orders;
  }

  #learn(): Promise<void> {
    const orders = this.#inThisTerm();
    this.#known ??= this.#takeStock(orders).catch((error: unknown) => {
      this.#known = undefined;
      throw error;
    });
    return this.#known;
  }

  #newIds(): BlockIds {
    const row = (key: RowKey<unknown>) => read(this.#options.group.state, key);
    const was = (block: BlockId) => row(keys.removedBlock(block)) !== undefined;
    const is = (block: BlockId) => this.#found.has(block) || row(keys.block(block)) !== undefined;
    return new BlockIds(
      (block) => is(block) || was(block),
      (block) => was(block) && !is(block),
    );
  }

  /** After a start: which blocks are open, which ids are taken, what a crash left on devices. */
  async #takeStock(orders: BlockService): Promise<void> {
    const { group, report, map } = this.#options;
    await group.readBarrier();
    const placement = placementOf(await map());
    for await (const { block, row } of blockRows(group.state)) {
      const pool = placement.pool(row.pool);
      this.#ids.saw(block, pool);
      this.#ids.counted(block, pool);
      if (row.state === "open") this.#open.add(blockOf(block, row), "clients");
    }
    for await (const block of removedBlocks(group.state))
      this.#ids.saw(block, placement.poolOf(block));
    await takeStock({ group, report, blocks: orders }, (block) => {
      this.#found.add(block);
      this.#ids.saw(block, undefined);
    });
  }

  #fill(lane: Lane, avoid: readonly DeviceId[] = []): Promise<void> {
    lane.filling ??= this.#openMissing(lane, avoid).finally(() => {
      delete lane.filling;
    });
    return lane.filling;
  }

  async #openMissing(lane: Lane, avoid: readonly DeviceId[]): Promise<void> {
    const { clock, map: currentMap } = this.#options;
    const orders = this.#orders;
    lane.lookedMs = clock.monotonicMs();
    const devices = await this.#devices();
    const placement = placementOf(this.#local.of(await currentMap(), devices));
    const pool = placement.pool(lane.pool);
    if (pool === undefined) throw new QuarryError("NoSuchPool", `there is no pool ${lane.pool}`);
    this.#forget(placement.map, devices);
    const takes = takersOf(placement, pool, devices, avoid);
    await this.#openOn(placement, lane, pool, takes, orders);
    if (this.#usable(lane, devices).length === 0) throw noRoom(placement, pool, devices);
  }

  #forget(map: ClusterMap, devices: readonly DeviceStatus[]): void {
    const isOver = endedIn(map, devices);
    const { isHarmed = () => false } = this.#options;
    this.#open.forget((one) => isOver(one) || isHarmed(one.block));
  }

  async #openOn(
    placement: Placement,
    lane: Lane,
    pool: Pool,
    takes: Set<DeviceId>,
    orders: BlockService,
  ): Promise<void> {
    const { group, report } = this.#options;
    const most = lane.use === "copies" ? 1 : this.#options.perDevice;
    const perDevice = Math.min(most, limits.openBlocks);
    const isUsable = ({ members }: OpenBlock) => filled(members).every((one) => takes.has(one));
    const load = (here: readonly OpenBlock[]) =>
      loadOf(here, (pg) => this.#ids.count(pool, pg), 2 * perDevice);
    let candidates = candidatesOf(placement, pool, takes);
    const wanted = wantedBlocks(candidates, perDevice);
    for (let tries = 0; tries < wanted + limits.retries; tries++) {
      const here = this.#open.of(lane).filter(isUsable);
      if (here.length >= wanted) return;
      const chosen = choose(candidates, load(here), tries);
      if (chosen === undefined) return;
      const block = this.#ids.next(placement.map, pool, chosen.pg);
      this.#opening.add(block);
      try {
        const by = { group, report, blocks: orders };
        const opened = await openBlock(by, pool, block, chosen.members);
        if (opened.kind === "open") {
          this.#open.add(opened.block, lane.use);
          this.#ids.counted(block, pool);
        }
        if (opened.kind !== "refused") continue;
        for (const device of opened.by) takes.delete(device);
        candidates = candidatesOf(placement, pool, takes);
      } finally {
        this.#opening.delete(block);
      }
    }
  }
}
