/** A simulated disk: writes complete in order, and a crash keeps only some of what did not. */
import { assert } from "../../base/errors.ts";
import type { LogIndex } from "../../base/ids.ts";
import type { Entry, HardState, StateHead } from "../entry.ts";
import type { Persist } from "../outputs.ts";
import type { Dice } from "./dice.ts";
import type { Machine } from "./machine.ts";

/** Lies that a broken owner would tell. */
export interface StorageDefects {
  /** Term and vote are reported durable and lost in a crash. */
  readonly losesHardState?: boolean;
  /** Entries are reported durable before they are. */
  readonly losesEntries?: boolean;
}

export class Storage {
  hardState: HardState | undefined;
  base: Pick<StateHead, "index" | "term" | "timeMs">;
  entries: Entry[] = [];
  /** The state as of the last checkpoint. */
  machine: Machine;
  readonly #defects: StorageDefects;
  #waiting: Persist[] = [];

  constructor(machine: Machine, defects: StorageDefects) {
    this.machine = machine;
    this.base = machine.head;
    this.#defects = defects;
  }

  get lastIndex(): LogIndex {
    return (this.base.index + this.entries.length) as LogIndex;
  }

  /** Writes that are not durable yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  write(persist: Persist): void {
    this.#waiting.push(persist);
  }

  /** The oldest write becomes durable. */
  complete(): Persist | undefined {
    const persist = this.#waiting.shift();
    if (persist !== undefined) this.#store(persist, persist.entries.length);
    return persist;
  }

  /** Of the writes under way some are whole, one perhaps in part; the rest never happened. */
  crash(dice: Dice): void {
    for (let whole = dice.between(0, this.#waiting.length); whole > 0; whole--) this.complete();
    const torn = this.#waiting[0];
    if (torn !== undefined && dice.chance(0.5))
      this.#store(torn, dice.between(0, torn.entries.length));
    this.#waiting = [];
    if (this.#defects.losesHardState === true && this.hardState !== undefined)
      this.hardState = { ...this.hardState, vote: 0 as HardState["vote"] };
    if (this.#defects.losesEntries === true) this.entries.splice(-dice.between(1, 3));
  }

  /** The last `count` entries are damaged: they are gone, and whoever starts from here says so. */
  damage(count: number): void {
    assert(this.hardState !== undefined, "who has entries has a term");
    this.entries.splice(-count);
    this.hardState = { ...this.hardState, mustNotVote: true };
  }

  /** Keeps a state from which the log can be cut, up to where the node has forgotten it. */
  checkpoint(machine: Machine): void {
    this.machine = machine;
  }

  cut(baseIndex: LogIndex): void {
    const end = this.entries[baseIndex - this.base.index - 1];
    if (end === undefined) return;
    this.entries.splice(0, baseIndex - this.base.index);
    this.base = end;
  }

  #store({ hardState, reset, entries }: Persist, count: number): void {
    if (hardState !== undefined) this.hardState = hardState;
    if (reset !== undefined) {
      this.base = reset;
      this.entries = [];
    }
    const first = entries[0];
    if (first === undefined) return;
    assert(first.index <= this.lastIndex + 1, "the log on the disk has no gap");
    assert(first.index > this.base.index, "what was cut off is not written again");
    this.entries.length = first.index - this.base.index - 1;
    this.entries.push(...entries.slice(0, count));
  }
}
