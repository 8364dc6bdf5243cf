import { hasCode, QuarryError } from "../base/errors.ts";
import type { BlockId, DeviceId, NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { Codec } from "../erasure/codec.ts";
import type {
  AppendReply,
  AppendRequest,
  BlockAddress,
  BlockPiece,
  BlockStatus,
  DeviceStatus,
  NewsMark,
  Order,
  ReadReply,
  ReadRequest,
  RetireOrder,
  SwitchOrder,
} from "../rpc/block-service.ts";
import type {
  BlockReport,
  Fetched,
  Inventory,
  RebuildOrder,
  Rebuilt,
} from "../rpc/healing-service.ts";
import type { BlockKeeping } from "../rpc/pool.ts";
import type { Block } from "./block.ts";
import { listNeedles, noteUnreadable, readFromBlock } from "./block-reads.ts";
import { leaveChecks } from "./checks-file.ts";
import type { DeviceOptions, DeviceParts } from "./device-parts.ts";
import { openDevice } from "./device-start.ts";
import { Gate } from "./gate.ts";
import * as generations from "./generations.ts";
import { letGo } from "./gone-files.ts";
import { fetchNeedles, inventoryOf } from "./hand-out.ts";
import { Rebuilds } from "./rebuild/rebuilds.ts";
import { recordBytes } from "./record.ts";
import { Stagings } from "./striped/staging.ts";
import type { StripeSource } from "./striped/stripe-sources.ts";

export class Device implements AsyncDisposable {
  readonly id: DeviceId;
  readonly directory: string;
  readonly options: DeviceOptions;
  readonly parts: DeviceParts;
  readonly rebuilds: Rebuilds = new Rebuilds();
  readonly stagings: Stagings = new Stagings();
  readonly #gate = new Gate<BlockId>();
  /** Appends under way: the directory is not given free before they end. */
  #appending = 0;
  #onIdle: (() => void) | undefined;
  #closed = false;

  private constructor(options: DeviceOptions, parts: DeviceParts) {
    this.id = parts.id;
    this.directory = options.directory;
    this.options = options;
    this.parts = parts;
  }

  static async open(options: DeviceOptions): Promise<Device> {
    return new Device(options, await openDevice(options));
  }

  /** The blocks one after the other, each as it is when its turn comes. */
  *currentBlocks(): Generator<Block> {
    for (const id of [...this.parts.blocks.keys()]) {
      const block = this.parts.blocks.get(id);
      if (block !== undefined) yield block;
    }
  }

  async status(): Promise<DeviceStatus> {
    const { space, failure } = this.parts;
    const { totalBytes, freeBytes } = await space.now();
    const full = await space.isFull();
    const isFailed = failure.reason !== undefined || space.isGone;
    const state = isFailed ? "failed" : full ? "full" : "ok";
    const news = this.parts.news.mark;
    return { device: this.id, path: this.directory, totalBytes, freeBytes, state, news };
  }

  /** Blocks with an id above `after`, by id. */
  list(after: number, limit: number): BlockStatus[] {
    const { blocks, unreadable } = this.parts;
    const ids = [...blocks.keys(), ...unreadable.keys()].filter((id) => id > after);
    const page = ids.sort((a, b) => a - b).slice(0, limit);
    return page.flatMap((id) => blocks.get(id)?.status() ?? unreadable.get(id) ?? []);
  }

  /** What changed behind a place in the news. */
  report(after: NewsMark, limit: number): BlockReport {
    const { blocks: here, unreadable, news } = this.parts;
    const { blocks, upTo, more } = news.since(after, Math.min(limit, limits.reportBlocks));
    const status = (id: BlockId) => here.get(id)?.status() ?? unreadable.get(id);
    const gone = blocks.filter((id) => status(id) === undefined);
    return { blocks: blocks.flatMap((id) => status(id) ?? []), gone, upTo, more };
  }

  create(order: Order, piece?: BlockPiece, keeping?: BlockKeeping): Promise<void> {
    this.#checkWritable();
    return this.ordered(order, () => generations.create(this, order, piece, keeping));
  }

  async append(request: AppendRequest, data: Uint8Array): Promise<AppendReply> {
    this.#checkWritable();
    const block = this.parts.blocks.get(request.block);
    if (block === undefined)
      return { kind: this.parts.unreadable.has(request.block) ? "full" : "missing" };
    if (block.generation !== request.generation) return { kind: "stale" };
    this.#appending++;
    try {
      const fits = this.parts.space.take(recordBytes(data.length));
      if (!(fits === true || (await fits))) return { kind: "full" };
      return await block.append(request, data);
    } finally {
      if (--this.#appending === 0) this.#onIdle?.();
    }
  }

  async read(request: ReadRequest): Promise<ReadReply> {
    this.#checkOpen();
    const block = this.parts.blocks.get(request.block);
    if (block === undefined) return this.#absent(request.block);
    let reply: ReadReply | "unreadable";
    try {
      reply = await readFromBlock(block, request);
      if (reply !== "unreadable" && reply.kind !== "damaged") return reply;
      if (reply !== "unreadable" && this.parts.home.isCurrent(block)) return reply;
    } catch (error) {
      const isHere = this.parts.home.isCurrent(block) && !(await letGo(this, request.block));
      if (isHere && !hasCode(error, "DiskFailed")) throw error;
    }
    // The file may have been switched or removed under the read.
    if (!this.parts.home.isCurrent(block)) return await this.read(request);
    const place = block.here(request.needle);
    if (place === undefined) return { kind: "missing", what: "needle" };
    await noteUnreadable(block, { ...place, needle: request.needle });
    return { kind: "damaged", detail: `the needle in ${block.path} cannot be read` };
  }

  async remove(address: Order, needles: readonly NeedleId[]): Promise<void> {
    if (needles.length > limits.removeBatch)
      throw new QuarryError("TooLarge", `at most ${limits.removeBatch} needles in one request`);
    this.#checkWritable();
    await this.#gate.shared(address.block, async () => {
      this.#checkWritable();
      await this.parts.term.follow(address.term);
      await this.blockAt(address).remove(needles);
    });
  }

  seal(address: Order): Promise<BlockStatus> {
    this.#checkWritable();
    return this.ordered(address, async () => {
      const block = this.blockAt(address);
      await block.seal();
      return block.status();
    });
  }

  needles(address: BlockAddress, cursor: number, limit: number) {
    return this.reading(address, (block) => listNeedles(block, cursor, limit));
  }

  inventory(address: BlockAddress, after: NeedleId): Inventory {
    this.#checkOpen();
    return inventoryOf(this.blockAt(address), after);
  }

  fetch(address: BlockAddress, needles: readonly NeedleId[], check?: boolean): Promise<Fetched> {
    return this.reading(address, (block) => fetchNeedles(block, needles, check));
  }

  /** Makes a block anew from other members; `codec` is for k > 1. */
  async rebuild(
    order: RebuildOrder,
    sources: readonly StripeSource[],
    codec?: Codec,
  ): Promise<Rebuilt> {
    this.#checkWritable();
    return await this.rebuilds.run(this, order, sources, codec);
  }

  /** Reads of one generation: its file may go meanwhile. */
  async reading<T>(address: BlockAddress, run: (block: Block) => Promise<T>): Promise<T> {
    this.#checkOpen();
    const block = this.blockAt(address);
    const found = await run(block).catch((error: unknown) => {
      if (this.parts.home.isCurrent(block)) throw error;
      throw generations.stale(block, address.generation);
    });
    return found;
  }

  compact(address: Order): Promise<BlockStatus> {
    this.#checkWritable();
    return this.ordered(address, () => generations.compact(this, address));
  }

  switchGeneration(address: SwitchOrder): Promise<void> {
    this.#checkWritable();
    return this.ordered(address, () => generations.switchTo(this, address));
  }

  retire(address: RetireOrder): Promise<void> {
    this.#checkOpen();
    return this.ordered(address, () => {
      this.rebuilds.cancel(address.block);
      return generations.retire(this, address);
    });
  }

  /** The block of this very generation. Throws `NoSuchBlock`, `Damaged`, `StaleGeneration`. */
  blockAt(address: BlockAddress): Block {
    const block = this.parts.blocks.get(address.block);
    if (block === undefined) {
      if (this.parts.unreadable.has(address.block))
        throw new QuarryError("Damaged", `block ${address.block} lost its superblock`);
      throw new QuarryError("NoSuchBlock", `block ${address.block} is not on ${this.directory}`);
    }
    if (block.generation !== address.generation) throw generations.stale(block, address.generation);
    return block;
  }

  /** Leaves checkpoints and gives the directory free. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.rebuilds.end();
    await this.#gate.idle();
    await this.stagings.end();
    if (this.#appending > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    const closing = [...this.parts.blocks.values()].map((block) => block.close());
    const ends = await Promise.allSettled(closing);
    if (ends.every(({ status }) => status === "fulfilled"))
      ends.push(...(await Promise.allSettled([this.#leaveChecks()])));
    await this.parts.lock[Symbol.asyncDispose]();
    const wrong = ends.flatMap((end) => (end.status === "rejected" ? [end.reason as unknown] : []));
    if (wrong.length > 0) throw wrong[0];
  }

  /** Only an end in order leaves them, and none of a device that has failed. */
  async #leaveChecks(): Promise<void> {
    const { blocks, checks, failure } = this.parts;
    if (failure.reason !== undefined) return;
    const rows = [...blocks.values()].flatMap((block) => {
      const { generation, tailBytes: lengthBytes } = block;
      const goodMs = checks.of(block.superblock.block, generation)?.goodMs;
      if (goodMs === undefined) return [];
      return [{ block: block.superblock.block, generation, lengthBytes, goodMs }];
    });
    const { disk, opener } = this.options;
    await leaveChecks(disk, this.directory, opener, rows).catch((error: unknown) => {
      // Then the next start reads everything again.
      if (!hasCode(error, "DiskFull")) throw error;
    });
  }

  #absent(block: BlockId): ReadReply {
    return this.parts.unreadable.has(block)
      ? { kind: "damaged", detail: `block ${block} on ${this.directory} lost its superblock` }
      : { kind: "missing", what: "block" };
  }

  /**
   * Alone on its block, for a leader that no later one has followed; that is looked at when its turn
   * has come.
   */
  ordered<T>({ block, term }: Order, run: () => Promise<T>): Promise<T> {
    return this.#gate.exclusive(block, async () => {
      this.#checkOpen();
      await this.parts.term.follow(term);
      return await run();
    });
  }

  /** The same for what writes. */
  writing<T>(order: Order, run: () => Promise<T>): Promise<T> {
    this.#checkWritable();
    return this.ordered(order, run);
  }

  #checkOpen(): void {
    if (this.#closed) throw new QuarryError("Closed", `${this.directory} is closed`);
  }

  #checkWritable(): void {
    this.#checkOpen();
    const { reason } = this.parts.failure;
    if (reason !== undefined)
      throw new QuarryError("DiskFailed", `${this.directory} has failed and is read-only`, {
        cause: reason,
      });
  }
}
