/**
 * Looks for settled blocks whose members do not agree by what they report, and has them agree again, a
 * few at a time beside the steps of the other workers. Nothing but reports and rows is the base of what
 * it does: what it remembers only spares it looking twice.
 */
import { hasCode, QuarryError } from "../../base/errors.ts";
import type { BlobId, BlockId, DeviceId, NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { HealingCount, HealingSettings } from "../../rpc/healing.ts";
import { keys } from "../keyspace.ts";
import type { NeedleReports } from "../needle-reports.ts";
import { ordersIn } from "../orders.ts";
import { read } from "../queries/read.ts";
import type { BlockRow } from "../rows.ts";
import type { Stock } from "../stock/stock.ts";
import { blockRows } from "../workers/block-rows.ts";
import { devicesAway } from "../workers/members-up.ts";
import { Rests } from "../workers/rests.ts";
import { WalkRest } from "../workers/walk-rest.ts";
import type { WorkContext, Worker } from "../workers/worker.ts";
import { GivingUp } from "./giving-up.ts";
import type { Losses } from "./losses.ts";
import { OwnerSearch } from "./owner-names.ts";
import { reconcileBlock } from "./reconcile-block.ts";
import { disagreement, heldBy, isOfCount } from "./reconcile-need.ts";
import { rebuildInPlace } from "./reconcile-rebuild.ts";
import { lookInto } from "./reconcile-reports.ts";

export interface ReconcilerOptions {
  readonly stock: Pick<Stock, "of">;
  readonly needleReports: Pick<NeedleReports, "take">;
  readonly losses: Losses;
  readonly seal: (block: BlockId, generation: number) => Promise<void>;
  readonly addressOf: (device: DeviceId) => Promise<string | undefined>;
  readonly settings: () => HealingSettings;
  /** How often blocks are looked through. */
  readonly lookMs: number;
}

/** Every so many looks what the metadata counts is compared, too. */
const COUNT_EVERY = 8;

interface Seen {
  /** What the members said (`disagreement`), since when, and since when they differ at all. */
  mark: string;
  sinceMs: number;
  readonly firstMs: number;
  /** They were compared when they said this. */
  doneMark?: string;
}

const isRested = ({ sinceMs, firstMs }: Seen, nowMs: number): boolean =>
  nowMs - sinceMs >= limits.differRestMs || nowMs - firstMs >= limits.differLongMs;

const givenUp = (needle: NeedleId): string =>
  `needle ${needle.toString(16).padStart(16, "0")} is given up: too few good pieces of it were found for long`;

export class Reconciler implements Worker {
  readonly name = "agreement of members";
  readonly #context: WorkContext;
  readonly #options: ReconcilerOptions;
  readonly #seen = new Map<BlockId, Seen>();
  readonly #running = new Map<BlockId, Promise<void>>();
  readonly #rests: Rests;
  readonly #givingUp = new GivingUp();
  #reports: Promise<void> | undefined;
  #search: { readonly blobs: readonly BlobId[]; readonly names: OwnerSearch } | undefined;
  #at = 0 as BlockId;
  #looks = 0;
  readonly #walkRest: WalkRest;
  #done = 0;
  #ended = false;

  constructor(context: WorkContext, options: ReconcilerOptions) {
    this.#context = context;
    this.#options = options;
    this.#walkRest = new WalkRest(context.clock, options.lookMs);
    this.#rests = new Rests(context.clock, limits.differRestMs, limits.reconcileRestMs);
    options.losses.work = () => this.count;
  }

  /** Members that differ while deletes are on their way do not count. */
  get count(): HealingCount {
    const nowMs = this.#context.clock.monotonicMs();
    const running = this.#running.size;
    let waiting = -running;
    for (const seen of this.#seen.values())
      if (seen.mark !== seen.doneMark && isRested(seen, nowMs)) waiting++;
    return { waiting: Math.max(0, waiting), running, done: this.#done };
  }

  async step(): Promise<boolean> {
    if (this.#options.settings().paused) return false;
    this.#lookAtReports();
    const { group } = this.#context;
    if (await this.#nameLosses()) return true;
    if (!this.#walkRest.isOver) return false;
    const away = await devicesAway(this.#context);
    let rows = 0;
    for await (const { block, row } of blockRows(group.state, this.#at)) {
      if (rows++ === limits.reconcileRows) return true;
      this.#at = (block + 1) as BlockId;
      this.#walkRest.saw();
      if (row.state === "settled") this.#consider(block, row, away);
    }
    this.#at = 0 as BlockId;
    for (const block of this.#seen.keys())
      if (read(group.state, keys.block(block)) === undefined) this.#seen.delete(block);
    for (const { block } of this.#options.losses.list())
      if (read(group.state, keys.block(block)) === undefined) this.#forget(block);
    for (const block of this.#seen.keys())
      if (read(group.state, keys.block(block))?.state !== "settled") this.#seen.delete(block);
    this.#looks++;
    this.#walkRest.begin();
    return false;
  }

  /** Searches one page on for the objects of which something is lost; true when it goes on. */
  async #nameLosses(): Promise<boolean> {
    const { losses } = this.#options;
    if (this.#search === undefined) {
      const blobs = losses.unnamed();
      if (blobs.length === 0) return false;
      this.#search = { blobs, names: new OwnerSearch(this.#context.group.state, blobs) };
    }
    const { blobs, names } = this.#search;
    if (await names.step()) return true;
    losses.named(blobs, names.found);
    this.#search = undefined;
    return false;
  }

  /** What is under way ends when the dataservers are given up, or by itself. */
  async end(): Promise<void> {
    this.#ended = true;
  }

  /** Resolves when nothing is under way: for tests. */
  async idle(): Promise<void> {
    await this.#reports;
    await Promise.all(this.#running.values());
  }

  #consider(block: BlockId, row: BlockRow, away: ReadonlySet<DeviceId>): void {
    const { state } = this.#context.group;
    const held = heldBy(this.#options.stock, block, row);
    for (const device of away) held.delete(device);
    const isCounted = this.#looks % COUNT_EVERY === 0;
    const named = isCounted ? (read(state, keys.blockUse(block))?.needles ?? 0) : 0;
    const mark = disagreement(row, held, named);
    if (mark === undefined) {
      const seen = this.#seen.get(block);
      if (!isCounted && seen !== undefined && isOfCount(seen.mark)) return;
      this.#seen.delete(block);
      if (isCounted && held.size > 0) this.#forget(block);
      return;
    }
    const nowMs = this.#context.clock.monotonicMs();
    const seen = this.#remember(block, mark, nowMs);
    if (!isRested(seen, nowMs) || seen.doneMark === mark || this.#rests.has(block)) return;
    if (this.#running.has(block) || this.#running.size >= limits.reconcilesAtOnce) return;
    const { claims } = this.#context;
    const claim = claims?.take(block);
    if (claims !== undefined && claim === undefined) return;
    const work = this.#reconcile(block, seen, mark, held.size).finally(() => {
      this.#running.delete(block);
      claim?.[Symbol.dispose]();
    });
    this.#running.set(block, work);
  }

  #forget(block: BlockId): void {
    this.#options.losses.forget(block);
    this.#givingUp.forget(block);
  }

  #remember(block: BlockId, mark: string, nowMs: number): Seen {
    const known = this.#seen.get(block);
    if (known !== undefined) {
      if (known.mark !== mark) known.sinceMs = nowMs;
      known.mark = mark;
      return known;
    }
    if (this.#seen.size >= limits.reconcilesKept) {
      const oldest = this.#seen.keys().next();
      if (oldest.done !== true) this.#seen.delete(oldest.value);
    }
    const seen: Seen = { mark, sinceMs: nowMs, firstMs: nowMs };
    this.#seen.set(block, seen);
    return seen;
  }

  /** Never rejects. Its orders carry the term in which it began; so many members are heard. */
  async #reconcile(block: BlockId, seen: Seen, mark: string, heard: number): Promise<void> {
    const { group, clock, report } = this.#context;
    const { term } = group;
    const blocks = ordersIn(this.#context.blocks, () => term);
    try {
      const found = await reconcileBlock({ group, blocks, clock }, block);
      if (found === undefined) return;
      const { losses, addressOf, settings } = this.#options;
      const { generation, removed, rebuild, lostCount, unknownCount } = found;
      if (losses.found(block, found, clock.nowMs()))
        report(
          `block ${block}: ${lostCount + unknownCount} needles that objects name are lost: too few members have them`,
        );
      const mayLose = this.#givingUp.looked(block, found.lostIds, clock.monotonicMs());
      for (const position of rebuild) {
        const { bytesPerSecond } = settings();
        const order = { group, blocks, addressOf, bytesPerSecond, mayLose };
        const { lost } = await rebuildInPlace(order, block, generation, position);
        for (const needle of lost) report(`block ${block}: ${givenUp(needle)}`);
      }
      if (removed > 0 || rebuild.length > 0)
        report(
          `block ${block}: its members differed; ${removed} needles that nobody names were removed, and ${rebuild.length} members made anew`,
        );
      if (found.asked < heard) {
        this.#rests.failed(block);
        return;
      }
      seen.doneMark = mark;
      this.#done++;
      this.#rests.forget(block);
    } catch (error) {
      this.#failed(block, error);
    }
  }

  #failed(block: BlockId, error: unknown): void {
    const isFirst = this.#rests.failed(block);
    if (this.#ended || hasCode(error, "StaleTerm")) return;
    if (isFirst || !(error instanceof QuarryError))
      this.#context.report(`the members of block ${block} differ still: ${error}`);
  }

  #lookAtReports(): void {
    if (this.#reports !== undefined) return;
    const reports = this.#options.needleReports.take(limits.reconcileReports);
    if (reports.length === 0) return;
    const { group, blocks, report } = this.#context;
    const { term } = group;
    const context = { group, blocks: ordersIn(blocks, () => term), seal: this.#options.seal };
    const look = async () => {
      for (const one of reports) await lookInto(context, one);
    };
    this.#reports = look()
      .catch((error: unknown) => {
        if (!this.#ended) report(`what a reader found wrong is not looked into: ${error}`);
      })
      .finally(() => {
        this.#reports = undefined;
      });
  }
}
