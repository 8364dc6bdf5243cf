/**
 * The blocks that clients may append to: a few on each device, opened ahead. A block is made on its
 * members first and known to the metadata second, so a crash between leaves only an empty file.
 */
import type { Clock } from "../base/clock.ts";
import { hasCode, QuarryError } from "../base/errors.ts";
import type { BlockId, DeviceId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { BlockService, BlockStatus, DeviceStatus } from "../rpc/block-service.ts";
import { filled, type OpenBlock } from "../rpc/name-service.ts";
import { blockOf } from "./block-of.ts";
import type { Group } from "./group/group.ts";
import { type Key, KeyReader, keys, prefixEnd, prefixOf, type Tag } from "./keyspace.ts";
import { noRoom } from "./no-room.ts";
import { ordersIn } from "./orders.ts";
import { read } from "./queries/read.ts";
import type { BlockRow } from "./rows.ts";
import { inTurn } from "./turns.ts";

export interface OpenBlocksOptions {
  readonly group: Group;
  readonly blocks: BlockService;
  readonly clock: Clock;
  readonly report: (message: string) => void;
  /** Open blocks on each device. */
  readonly perDevice: number;
  /** Devices that each block is made on; default one. */
  readonly copies?: number;
}

/** How long to wait after looking for room before looking again. */
const LOOK_AGAIN_MS = 1_000;
const PAGE = 1_000;

export class OpenBlocks {
  readonly #options: OpenBlocksOptions;
  /** Blocks to hand out. */
  readonly #open = new Map<BlockId, OpenBlock>();
  /** Made, but not handed out yet. */
  readonly #opening = new Set<BlockId>();
  readonly #sealing = new Map<BlockId, Promise<void>>();
  #nextBlock = 1;
  #known: Promise<void> | undefined;
  /** In which term of the group stock was taken, and to whom orders of that term are given. */
  #knownTerm: number | undefined;
  #orders: BlockService;
  #filling: Promise<void> | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #turn = 0;

  constructor(options: OpenBlocksOptions) {
    this.#options = options;
    this.#orders = options.blocks;
  }

  /**
   * Of the devices that are up and have room, first one block of each; everybody who asks begins with
   * another, so that several clients spread over the devices.
   * @throws QuarryError `DiskFull` or `Unavailable` when no device takes a block.
   */
  async get(pool: number): Promise<OpenBlock[]> {
    if (pool !== 0) throw new QuarryError("InvalidArgument", `there is no pool ${pool}`);
    await this.#learn();
    const { clock } = this.#options;
    let usable = this.#usable(await this.#options.blocks.devices());
    if (usable.length === 0) {
      await this.#fill();
      usable = this.#usable(await this.#options.blocks.devices());
    } else if (clock.monotonicMs() - this.#lookedMs > LOOK_AGAIN_MS)
      this.#fill().catch((error: unknown) => this.#options.report(`no block opened: ${error}`));
    return inTurn(usable, this.#turn++);
  }

  /** Blocks of a device that is down stay open, and are not handed out until it is up again. */
  #usable(devices: readonly DeviceStatus[]): OpenBlock[] {
    const ok = new Set(devices.filter(({ state }) => state === "ok").map(({ device }) => device));
    return [...this.#open.values()].filter(({ members }) =>
      filled(members).every((one) => ok.has(one)),
    );
  }

  /** Seals a block that a client saw full, failed or sealed; once, however many report it. */
  async seal(block: BlockId, generation: number, orders = this.#inThisTerm()): Promise<void> {
    const row = read(this.#options.group.state, keys.block(block));
    if (row?.generation !== generation) return;
    this.#open.delete(block);
    if (row.state !== "open") return;
    this.#lookedMs = Number.NEGATIVE_INFINITY;
    const sealing = this.#sealing.get(block) ?? this.#seal(block, row, orders);
    this.#sealing.set(block, sealing);
    try {
      await sealing;
    } finally {
      this.#sealing.delete(block);
    }
  }

  /** Blocks that are open in the metadata, but not handed out: their sealing did not succeed yet. */
  async sealLeftovers(): Promise<void> {
    const orders = this.#inThisTerm();
    await this.#learn();
    const states = await this.#options.blocks.devices();
    const down = new Set(states.filter(({ state }) => state === "down").map((one) => one.device));
    for await (const { block, row } of this.#rows("block")) {
      const isLeft = row.state === "open" && !this.#open.has(block) && !this.#opening.has(block);
      if (isLeft && !filled(row.members).every((member) => down.has(member)))
        await this.seal(block, row.generation, orders);
    }
  }

  /** Whole blocks: sealed when one member refuses further appends (INV-2). */
  async #seal(block: BlockId, row: BlockRow, orders: BlockService): Promise<void> {
    const { group, report } = this.#options;
    const { generation } = row;
    let sealed = 0;
    for (const device of filled(row.members))
      try {
        await orders.sealBlock({ device, block, generation });
        sealed++;
      } catch (error) {
        if (!hasCode(error, "NoSuchBlock", "StaleGeneration")) {
          report(`block ${block} was not sealed on device ${device} yet: ${error}`);
          continue;
        }
        sealed++; // a member that has no such block takes no appends to it
      }
    if (sealed > 0) await group.propose({ type: "sealBlock", block, generation });
  }

  #inThisTerm(): BlockService {
    const { blocks, group } = this.#options;
    const { term } = group;
    if (term !== this.#knownTerm) {
      // Another leader may have opened and sealed blocks since.
      this.#knownTerm = term;
      this.#known = undefined;
      this.#open.clear();
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

  /** After a start: which blocks are open, which ids are taken, what a crash left on devices. */
  async #takeStock(orders: BlockService): Promise<void> {
    await this.#options.group.readBarrier();
    for await (const { block, row } of this.#rows("block")) {
      this.#nextBlock = Math.max(this.#nextBlock, block + 1);
      if (row.state === "open") this.#open.set(block, blockOf(block, row));
    }
    for await (const { block } of this.#rows("removedBlock"))
      this.#nextBlock = Math.max(this.#nextBlock, block + 1);
    const { report } = this.#options;
    for (const { device, state } of await orders.devices())
      if (state !== "failed" && state !== "down")
        await this.#takeStockOf(device, orders).catch((error: unknown) =>
          report(`what device ${device} holds is not known yet: ${error}`),
        );
  }

  async #takeStockOf(device: DeviceId, orders: BlockService): Promise<void> {
    for (let after = 0; ; ) {
      const page = await orders.blocks(device, after, PAGE);
      for (const status of page) {
        this.#nextBlock = Math.max(this.#nextBlock, status.block + 1);
        await this.#tidy(device, status, orders);
      }
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return;
      after = last.block;
    }
  }

  /**
   * Retires what a crash left: blocks that the metadata does not know and that hold nothing. Another
   * leader may be about to add the block, or has done so: only a command can tell (INV-7).
   */
  async #tidy(device: DeviceId, status: BlockStatus, orders: BlockService): Promise<void> {
    const { block, generation, needles } = status;
    const { group, report } = this.#options;
    if (read(group.state, keys.block(block)) !== undefined) return;
    if (needles > 0)
      report(
        `device ${device} holds block ${block} with ${needles} needles that the metadata does not know; it is left alone`,
      );
    else
      try {
        const gone = read(group.state, keys.removedBlock(block))?.generation ?? 0;
        if (gone < generation) await group.propose({ type: "abandonBlock", block, generation });
        await orders.retire({ device, block, generation });
      } catch (error) {
        report(`block ${block} of ${device} stays: ${error}`);
      }
  }

  #fill(): Promise<void> {
    this.#filling ??= this.#openMissing().finally(() => {
      this.#filling = undefined;
    });
    return this.#filling;
  }

  async #openMissing(): Promise<void> {
    this.#lookedMs = this.#options.clock.monotonicMs();
    const orders = this.#orders;
    const devices = await orders.devices();
    for (const { device, state } of devices) {
      if (state === "ok") await this.#openOn(device, devices, orders);
      else if (state !== "down") this.#forget(device);
    }
    if (this.#usable(devices).length === 0) throw noRoom(devices);
  }

  #forget(device: DeviceId): void {
    for (const { block, members } of this.#open.values())
      if (members.includes(device)) this.#open.delete(block);
  }

  async #openOn(device: DeviceId, devices: readonly DeviceStatus[], orders: BlockService) {
    const wanted = Math.min(this.#options.perDevice, limits.openBlocks);
    const here = () =>
      [...this.#open.values()].filter(({ members }) => members.includes(device)).length;
    // Ids that another leader took meanwhile are passed over.
    for (let tries = 0; tries < wanted + limits.retries && here() < wanted; tries++) {
      const members = this.#membersWith(device, devices);
      if (members === undefined) return;
      const block = this.#nextBlock++ as BlockId;
      const generation = 1;
      if (!(await this.#create({ block, generation }, members, orders))) return;
      this.#opening.add(block);
      try {
        const command = { type: "addBlock", block, generation, pool: 0, members } as const;
        await this.#options.group.propose(command);
        this.#open.set(block, blockOf(block, { ...command, state: "open", openedMs: 0 }));
      } catch (error) {
        if (!hasCode(error, "InvalidArgument", "StaleGeneration")) throw error;
      } finally {
        this.#opening.delete(block);
      }
    }
  }

  /** The device and those that come behind it, going round; undefined when they are too few. */
  #membersWith(device: DeviceId, devices: readonly DeviceStatus[]): DeviceId[] | undefined {
    const { copies = 1, report } = this.#options;
    const able = devices.filter(({ state }) => state === "ok").map((one) => one.device);
    const at = able.indexOf(device);
    const members = [...able.slice(at), ...able.slice(0, at)].slice(0, copies);
    if (members.length === copies) return members;
    report(`no block is opened: ${copies} devices are needed, and ${able.length} take blocks`);
    return undefined;
  }

  /** Makes the block on every member; false when one of them takes none. */
  async #create(
    at: { readonly block: BlockId; readonly generation: number },
    members: readonly DeviceId[],
    orders: BlockService,
  ) {
    for (const device of members)
      try {
        await orders.createBlock({ device, ...at });
      } catch (error) {
        this.#options.report(`device ${device} takes no new block: ${error}`);
        return false;
      }
    return true;
  }

  async *#rows(tag: Extract<Tag, "block" | "removedBlock">) {
    const { state } = this.#options.group;
    await using cursor = state.range(prefixOf(tag), prefixEnd(prefixOf(tag)));
    for (let page = await cursor.next(PAGE); page.length > 0; page = await cursor.next(PAGE))
      for (const { key } of page) {
        const block = idOf(key);
        const row = read(state, keys.block(block));
        if (row !== undefined || tag === "removedBlock") yield { block, row: row ?? removedRow };
      }
  }
}

const removedRow: BlockRow = {
  state: "settled",
  generation: 0,
  pool: 0,
  members: [],
  openedMs: 0,
};

function idOf(key: Key): BlockId {
  return new KeyReader(key).u32() as BlockId;
}
