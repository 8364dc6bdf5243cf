/**
 * Dataservers without bytes: what each device holds of which block, its news, and how long it takes to
 * make a member anew. Everything else is refused, as it has no part in this.
 */

import { type Clock, sleep } from "../../base/clock.ts";
import { assert, QuarryError } from "../../base/errors.ts";
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { News } from "../../dataserver/news.ts";
import { noBlocks } from "../../nameserver/no-blocks.ts";
import type { BlockService, BlockStatus, DeviceStatus } from "../../rpc/block-service.ts";
import type { RebuildOrder, Rebuilt } from "../../rpc/healing-service.ts";
import { deviceId } from "../../test/metadata/cluster-state.ts";
import type { Cluster } from "./cluster.ts";
import { counted } from "./setting.ts";
import { type ResourceKind, type Use, Work } from "./work.ts";

/** There and back, with what a dataserver does for a small request. */
const CALL_MS = 0.5;
const NEEDLES = 1_000;

/** Which piece of which block. */
type Shelf = Map<BlockId, number>;

export class ModelledBlocks {
  readonly service: BlockService;
  readonly #clock: Clock;
  readonly #cluster: Cluster;
  readonly #work: Work;
  readonly #shelves: Shelf[] = [];
  readonly #news: News[] = [];
  readonly #numbers = new Map<DeviceId, number>();
  readonly #down = new Map<number, number>();
  readonly #pieceBytes: number;
  retired = 0;
  /** When each of them was made. */
  readonly madeMs: number[] = [];
  /** Members that are being made, and the sum of that over time. */
  #running = 0;
  #runningMs = 0;
  #countedMs = 0;

  constructor(clock: Clock, cluster: Cluster) {
    this.#clock = clock;
    this.#cluster = cluster;
    this.#work = new Work(clock, cluster.setting, cluster.stands);
    this.#pieceBytes = counted(cluster.setting).pieceBytes;
    this.service = {
      ...noBlocks,
      devices: async () => this.#statuses(),
      blocks: async (device, after, limit) => {
        await this.#call();
        const block = (after + 1) as BlockId;
        // Whoever asks for one, asks for the next.
        assert(limit === 1, "a page of blocks is asked for by nobody here");
        return this.#shelf(device).has(block) ? [this.#status(device, block)] : [];
      },
      report: async (device, after, limit) => {
        await this.#call();
        const { blocks, upTo, more } = this.#newsOf(device).since(after, limit);
        const shelf = this.#shelf(device);
        return {
          blocks: blocks.filter((one) => shelf.has(one)).map((one) => this.#status(device, one)),
          gone: blocks.filter((one) => !shelf.has(one)),
          ...{ upTo, more },
        };
      },
      rebuild: (order) => this.#rebuild(order),
      rebuilds: async () => [],
      retire: async ({ device, block }) => {
        await this.#call();
        if (!this.#shelf(device).delete(block))
          throw new QuarryError("NoSuchBlock", `device ${device} has no block ${block}`);
        this.#newsOf(device).changed(block);
        this.retired++;
      },
    };
  }

  /** A device begins with nothing. */
  add(number: number): void {
    this.#numbers.set(deviceId(number), number);
    this.#shelves[number] = new Map();
    this.#news[number] = new News(number + 1);
  }

  put(device: DeviceId, block: BlockId, piece: number): void {
    this.#shelf(device).set(block, piece);
    this.#newsOf(device).changed(block);
  }

  /** From now on nothing is heard of it, and nothing read. */
  lose(number: number): void {
    this.#down.set(number, this.#clock.monotonicMs());
  }

  has(device: DeviceId, block: BlockId, piece: number): boolean {
    return !this.isDown(device) && this.#shelf(device).get(block) === piece;
  }

  /** How many blocks a device has something of. */
  count(number: number): number {
    return this.#shelves[number]?.size ?? 0;
  }

  isDown = (device: DeviceId): boolean => this.#down.has(this.numberOf(device));

  numberOf(device: DeviceId): number {
    const number = this.#numbers.get(device);
    assert(number !== undefined, "only devices that were added are asked for");
    return number;
  }

  /** When it was last heard of. */
  heardMs = (device: DeviceId): number =>
    this.#down.get(this.numberOf(device)) ?? this.#clock.monotonicMs();

  /** How busy everything was, and how many members were made at the same time, since this was asked before. */
  takeUse(overMs: number): { use: Record<ResourceKind, Use>; atOnce: number } {
    this.#countRunning(0);
    const atOnce = this.#runningMs / Math.max(1, overMs);
    this.#runningMs = 0;
    return { use: this.#work.takeUse(overMs), atOnce };
  }

  #countRunning(by: number): void {
    const nowMs = this.#clock.monotonicMs();
    this.#runningMs += this.#running * (nowMs - this.#countedMs);
    this.#countedMs = nowMs;
    this.#running += by;
  }

  async #rebuild(order: RebuildOrder): Promise<Rebuilt> {
    const { device, block, piece, scheme, sources } = order;
    const up = sources.filter((one) => this.has(one.device, block, one.piece));
    const copy = up.find((one) => one.piece === piece);
    const from = copy === undefined ? up.slice(0, scheme.k) : [copy];
    if (this.isDown(device)) throw new QuarryError("Unavailable", `${device} is down`);
    if (copy === undefined && from.length < scheme.k)
      throw new QuarryError("TooFewPieces", `block ${block} has ${from.length} pieces`);
    this.#countRunning(1);
    const numbers = from.map((one) => this.numberOf(one.device));
    await this.#work.make(this.numberOf(device), numbers, this.#pieceBytes);
    this.#countRunning(-1);
    this.put(device, block, piece);
    this.madeMs.push(this.#clock.monotonicMs());
    const readBytes = from.length * this.#pieceBytes;
    const lost = { lost: [], lostCount: 0, unasked: [] };
    const status = this.#status(device, block);
    return { status, readBytes, writtenBytes: this.#pieceBytes, ...lost };
  }

  #status(device: DeviceId, block: BlockId): BlockStatus {
    const { scheme } = this.#cluster.setting;
    const bytes = this.#pieceBytes;
    return {
      ...{ block, generation: 1, sealed: true, needles: NEEDLES, liveBytes: bytes },
      ...{ fileBytes: bytes, digest: BigInt(block), damage: [], checkedMs: 1, salt: block },
      piece: { piece: this.#shelf(device).get(block) ?? 0, scheme },
    };
  }

  #statuses(): DeviceStatus[] {
    return [...this.#numbers].map(([device, number]) => ({
      ...{ device, path: "/", totalBytes: 4e12, freeBytes: 3e12 },
      state: this.#down.has(number) ? "down" : "ok",
      news: this.#newsOf(device).mark,
    }));
  }

  #shelf(device: DeviceId): Shelf {
    const shelf = this.#shelves[this.numberOf(device)];
    assert(shelf !== undefined, "a device that was added has a shelf");
    return shelf;
  }

  #newsOf(device: DeviceId): News {
    const news = this.#news[this.numberOf(device)];
    assert(news !== undefined, "a device that was added has news");
    return news;
  }

  async #call(): Promise<void> {
    await sleep(this.#clock, CALL_MS);
  }
}
