/**
 * Keeps what blocks need up to date: a block is looked at again when its row changed, a device told
 * something of it, or a device that it hangs on came or went; all of them, page by page, when CRUSH
 * draws anew.
 */
import { type Clock, sleep } from "../../base/clock.ts";
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { BlockService, DeviceStatus } from "../../rpc/block-service.ts";
import { type ClusterMap, emptyMap } from "../../rpc/cluster-map.ts";
import { type Placement, placementOf } from "../../rpc/placement.ts";
import type { Group } from "../group/group.ts";
import { keys } from "../keyspace.ts";
import { LocalMap } from "../local-map.ts";
import { read } from "../queries/read.ts";
import type { BlockRow } from "../rows.ts";
import type { Stock } from "../stock/stock.ts";
import { blockRows } from "../workers/block-rows.ts";
import { Awaited } from "./awaited.ts";
import type { ChangedBlocks } from "./changed-blocks.ts";
import { changedDevices, type Devices, devicesOf, isSamePlacement } from "./devices.ts";
import { retireStray } from "./kinds/retire.ts";
import { needOf } from "./need.ts";
import { Needs } from "./needs.ts";
import { type BlockView, viewOf } from "./view.ts";

export interface LookOptions {
  readonly group: Pick<Group, "state">;
  readonly blocks: Pick<BlockService, "devices">;
  readonly stock: Stock;
  readonly map: () => Promise<ClusterMap>;
  readonly changed: ChangedBlocks;
  readonly clock: Clock;
}

/** What all blocks were last looked at with. */
interface Seen {
  readonly map: ClusterMap;
  readonly devices: Devices;
}

export class Look {
  readonly needs: Needs = new Needs();
  readonly #options: LookOptions;
  readonly #local = new LocalMap();
  readonly #awaited = new Awaited();
  /** Rows that changed, and when devices had time to tell the same. */
  readonly #resting = new Map<BlockId, number>();
  #map: ClusterMap | undefined;
  #placement: Placement | undefined;
  #states: readonly DeviceStatus[] = [];
  #devices: Devices = new Map();
  /** Absent: they have to be looked at, all of them. */
  #seen: Seen | undefined;
  #isKnown = false;
  #isNew = false;

  constructor(options: LookOptions) {
    this.#options = options;
  }

  get map(): ClusterMap | undefined {
    return this.#map;
  }

  get states(): readonly DeviceStatus[] {
    return this.#states;
  }

  get devices(): Devices {
    return this.#devices;
  }

  /** Every block was looked at as things are now, and every device that is up was heard. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Whether devices, or the map, are others since it was asked last. */
  takeIsNew(): boolean {
    const isNew = this.#isNew;
    this.#isNew = false;
    return isNew;
  }

  /** Begins anew. */
  clear(): void {
    this.needs.clear();
    this.#resting.clear();
    this.#seen = undefined;
    this.#isKnown = false;
  }

  async step(): Promise<void> {
    const { stock, changed } = this.#options;
    await this.#learnDevices();
    const rows = changed.take();
    const seen = rows.isAll ? undefined : this.#seen;
    const dueMs = this.#options.clock.monotonicMs() + limits.healingRestMs;
    for (const block of rows.blocks) if (!this.#resting.has(block)) this.#resting.set(block, dueMs);
    const now: Seen = { map: this.#map ?? emptyMap, devices: this.#devices };
    // What is not done to its end begins anew.
    this.#seen = undefined;
    const mayBeFew = seen !== undefined && this.#awaited.isWhole;
    if (mayBeFew && isSamePlacement(seen.map, now.map)) {
      const changes = changedDevices(seen.devices, now.devices);
      if (changes.length > 0) this.#isNew = true;
      const heard = [...stock.takeChanged(), ...this.#rested()];
      await this.#lookAt(new Set([...this.#hangingOn(changes), ...heard]));
    } else await this.#lookAtAll();
    this.#seen = now;
    const up = [...this.#devices.values()].filter(({ state }) => state !== "down");
    this.#isKnown = up.every(({ isHeard }) => isHeard);
  }

  /** A block as it is now; undefined: there is none. */
  view(block: BlockId): BlockView | undefined {
    const row = read(this.#options.group.state, keys.block(block));
    return row && this.#viewOf(block, row);
  }

  /** Looks at one block at once. */
  at(block: BlockId): void {
    const view = this.view(block);
    this.#awaited.looked(block, view);
    if (view !== undefined) {
      const { need, stuck } = needOf(view);
      this.needs.set(block, need, stuck);
      return;
    }
    const removed = read(this.#options.group.state, keys.removedBlock(block))?.generation ?? 0;
    const holders = this.#options.stock.holders(block);
    this.needs.set(block, retireStray(block, removed, holders, this.#devices), undefined);
  }

  async #learnDevices(): Promise<void> {
    const { blocks, map, stock } = this.#options;
    this.#states = await blocks.devices();
    this.#map = this.#local.of(await map(), this.#states);
    this.#placement = placementOf(this.#map);
    this.#devices = devicesOf(this.#map, this.#states, stock);
  }

  #rested(): BlockId[] {
    const nowMs = this.#options.clock.monotonicMs();
    const due = [...this.#resting].flatMap(([block, dueMs]) => (dueMs <= nowMs ? [block] : []));
    for (const block of due) this.#resting.delete(block);
    return due;
  }

  /** Blocks that hang on one of these devices. */
  #hangingOn(devices: readonly DeviceId[]): Set<BlockId> {
    const blocks = new Set<BlockId>();
    for (const device of devices) {
      for (const block of this.#options.stock.heldBy(device)) blocks.add(block);
      for (const block of this.#awaited.of(device)) blocks.add(block);
    }
    return blocks;
  }

  async #lookAt(blocks: Iterable<BlockId>): Promise<void> {
    const { clock } = this.#options;
    let count = 0;
    for (const block of blocks) {
      if (this.#resting.has(block)) continue;
      this.at(block);
      if (++count % limits.healingPage === 0) await sleep(clock, 0);
    }
  }

  async #lookAtAll(): Promise<void> {
    const { group, stock, clock } = this.#options;
    this.#isKnown = false;
    this.#awaited.clear();
    // Blocks without a row are found by who holds them.
    const held = stock.takeChanged();
    const gone = new Set(this.needs.blocks());
    let count = 0;
    for await (const { block, row } of blockRows(group.state)) {
      gone.delete(block);
      if (this.#resting.has(block)) continue;
      const view = this.#viewOf(block, row);
      this.#awaited.looked(block, view);
      const { need, stuck } = needOf(view);
      this.needs.set(block, need, stuck);
      if (++count % limits.healingPage === 0) await sleep(clock, 0);
    }
    await this.#lookAt(gone);
    await this.#lookAt(held);
    this.#isNew = true;
  }

  #viewOf(block: BlockId, row: BlockRow): BlockView {
    const { stock } = this.#options;
    const placement = this.#placement;
    return viewOf({
      ...{ block, row, devices: this.#devices, pool: placement?.pool(row.pool) },
      holders: stock.holders(block),
      placesOf: (of, scheme) => placement?.devicesOf(of, scheme) ?? [],
    });
  }
}
