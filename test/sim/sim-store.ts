/**
 * The state of a simulated nameserver: a crash of the machine leaves what the last checkpoint made
 * durable and any number of the batches after it, in their order; that of the process, all of them.
 */
import type { Key } from "../../nameserver/keyspace.ts";
import { isHeadKey } from "../../nameserver/state-machine.ts";
import { MemoryState } from "../../nameserver/state-memory.ts";
import type { Change, RangeCursor, StateReads, StateStore } from "../../nameserver/state-store.ts";
import type { Dice } from "../../raft/testing/dice.ts";
import type { SimProcess } from "./process.ts";

const CHECKPOINT_MS = 20;

/** Planted: what a store does with a batch. Undefined: it is written as it is. */
export type BatchFlaw = (changes: readonly Change[]) => readonly Change[];

export class SimStore implements StateStore {
  readonly #rows: MemoryState;
  readonly #process: SimProcess;
  /** Written since the rows were last durable. */
  #batches: (readonly Change[])[] = [];
  readonly #durable: MemoryState;
  readonly #flaw: BatchFlaw | undefined;

  constructor(process: SimProcess, flaw?: BatchFlaw, rows: MemoryState = new MemoryState()) {
    this.#process = process;
    this.#flaw = flaw;
    this.#rows = rows;
    this.#durable = copyOf(rows);
  }

  /** What a crash leaves. `splits`: planted, see flaw.ts. */
  after(crash: "power" | "process", dice: Dice, splits: boolean): SimStore {
    const all = this.#batches.length;
    const count = crash === "power" ? dice.between(0, all) : all;
    for (const batch of this.#batches.slice(0, count)) void this.#durable.write(batch);
    const half = this.#batches[count];
    if (splits && half !== undefined)
      void this.#durable.write(half.filter(({ key }) => !isHeadKey(key)));
    return new SimStore(this.#process, undefined, this.#durable);
  }

  /** The same, in the hands of the next process. */
  reopened(process: SimProcess): SimStore {
    return new SimStore(process, undefined, this.#rows);
  }

  get(key: Key): Buffer | undefined {
    return this.#rows.get(key);
  }

  range(from: Key, to: Key): RangeCursor {
    return this.#rows.range(from, to);
  }

  snapshot(): StateReads & AsyncDisposable {
    return this.#rows.snapshot();
  }

  async write(changes: readonly Change[]): Promise<void> {
    const written = this.#flaw?.(changes) ?? changes;
    this.#batches.push(written);
    await this.#rows.write(written);
  }

  async checkpoint(): Promise<void> {
    const count = this.#batches.length;
    await this.#process.sleep(CHECKPOINT_MS);
    for (const batch of this.#batches.splice(0, count)) void this.#durable.write(batch);
  }

  approximateBytes(): Promise<number> {
    return Promise.resolve(0);
  }

  compact(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function copyOf(rows: MemoryState): MemoryState {
  return rows.snapshot() as MemoryState;
}
