/**
 * Has blocks converted, a few at a time beside the steps of the other workers. What it remembers only
 * spares it looking twice: rows and reports say what is to be done.
 */
import { hasCode, QuarryError } from "../../base/errors.ts";
import type { BlockId, Term } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { HealingCount } from "../../rpc/healing.ts";
import { healingSettings } from "../healing-settings.ts";
import { keys } from "../keyspace.ts";
import { ordersIn } from "../orders.ts";
import { read } from "../queries/read.ts";
import type { BlockRow } from "../rows.ts";
import { blockRows } from "./block-rows.ts";
import { type ConversionOptions, convert, heldBy, type Need, needOf } from "./conversion.ts";
import { finishConversion } from "./conversion-end.ts";
import { LeftWhole } from "./left-whole.ts";
import { Rests } from "./rests.ts";
import { WalkRest } from "./walk-rest.ts";
import type { WorkContext, Worker } from "./worker.ts";

export interface ConversionsOptions extends ConversionOptions {
  /** Told when the counts change. */
  readonly onCount: (count: HealingCount) => void;
}

export class Conversions implements Worker {
  readonly name = "conversion of blocks";
  readonly #context: WorkContext;
  readonly #options: ConversionsOptions;
  readonly #waiting = new Set<BlockId>();
  readonly #running = new Map<BlockId, Promise<void>>();
  readonly #rests: Rests;
  readonly #leftWhole = new LeftWhole();
  #at = 0 as BlockId;
  readonly #walkRest: WalkRest;
  #done = 0;
  #knownTerm: Term | undefined;
  #ended = false;

  constructor(context: WorkContext, options: ConversionsOptions) {
    this.#context = context;
    this.#options = options;
    this.#rests = new Rests(context.clock, options.lookMs);
    this.#walkRest = new WalkRest(context.clock, options.lookMs);
  }

  async step(): Promise<boolean> {
    const { group } = this.#context;
    await this.#learn();
    this.#begin();
    if (!this.#walkRest.isOver) return false;
    let rows = 0;
    for await (const { block, row } of blockRows(group.state, this.#at)) {
      if (rows++ === limits.reconcileRows) return true;
      if (this.#waiting.size >= limits.conversionsWaiting) break;
      this.#at = (block + 1) as BlockId;
      this.#walkRest.saw();
      if (this.#rests.has(block) || this.#running.has(block)) continue;
      const need = await needOf(this.#context, this.#options, block, row);
      if (need === undefined || this.#isLeft(block, row, need)) continue;
      this.#waiting.add(block);
    }
    this.#at = 0 as BlockId;
    this.#walkRest.begin();
    this.#begin();
    return false;
  }

  /**
   * The command of a leader before may be in the log, and not in the state yet: what was written for it
   * must not be written again.
   */
  async #learn(): Promise<void> {
    const { group } = this.#context;
    const { term } = group;
    if (term === this.#knownTerm) return;
    await group.readBarrier();
    this.#knownTerm = term;
  }

  /** What is under way ends when the dataservers are given up, or by itself. */
  async end(): Promise<void> {
    this.#ended = true;
  }

  #begin(): void {
    const { group, claims } = this.#context;
    for (const block of this.#waiting) {
      if (this.#ended || !group.isLeader || this.#running.size >= limits.conversionsRunning) break;
      const claim = claims?.take(block);
      if (claims !== undefined && claim === undefined) continue;
      this.#waiting.delete(block);
      const work = this.#tend(block).finally(() => {
        claim?.[Symbol.dispose]();
        this.#running.delete(block);
        this.#begin();
      });
      this.#running.set(block, work);
    }
    const [waiting, running] = [this.#waiting.size, this.#running.size];
    this.#options.onCount({ waiting, running, done: this.#done });
  }

  /** Never rejects. Its orders carry the term in which it began. */
  async #tend(block: BlockId): Promise<void> {
    const { group } = this.#context;
    const { term } = group;
    const context = { ...this.#context, blocks: ordersIn(this.#context.blocks, () => term) };
    let need: Need | undefined;
    try {
      const row = read(group.state, keys.block(block));
      need = row && (await needOf(context, this.#options, block, row));
      if (row === undefined || need === undefined) return;
      if (need === "to be ended") await finishConversion(context, block, row);
      else if (healingSettings(group.state).paused) return;
      else if (!(await convert(context, this.#options, block, row, need))) {
        this.#rests.failed(block);
        return;
      }
      this.#done++;
      this.#rests.forget(block);
    } catch (error) {
      if (hasCode(error, "Needless") && this.#leave(block, need, error)) return;
      const isFirst = this.#rests.failed(block);
      if (this.#ended || hasCode(error, "StaleTerm")) return;
      if (isFirst || !(error instanceof QuarryError))
        this.#context.report(`block ${block} keeps its layout for now: ${error}`);
    }
  }

  #isLeft(block: BlockId, row: BlockRow, need: Need): boolean {
    return need !== "to be ended" && this.#leftWhole.has(block, this.#heldBy(block, row), need);
  }

  /** A dataserver found that it is not worth it. */
  #leave(block: BlockId, need: Need | undefined, { message }: QuarryError): boolean {
    const row = read(this.#context.group.state, keys.block(block));
    const held = row && this.#heldBy(block, row);
    if (held === undefined || need === undefined || need === "to be ended") return false;
    if (this.#leftWhole.add(block, held, need))
      this.#context.report(`block ${block} keeps its layout: ${message}`);
    return true;
  }

  #heldBy(block: BlockId, row: BlockRow) {
    return heldBy(this.#options, block, row);
  }
}
