/**
 * The live entries of a log by the check of each: every record names the check of the entry before
 * it. An entry of an index that is there already takes its place, and those behind it are void: once it
 * is kept, that is, for it may find no room.
 */
import { assert } from "../../base/errors.ts";
import type { LogIndex, Term } from "../../base/ids.ts";

/** The entry before the first that a log holds. */
export interface LogBase {
  readonly index: LogIndex;
  readonly term: Term;
  readonly timeMs: number;
  readonly check: number;
}

export class Chain {
  #firstIndex: number;
  /** Of the entry before the first kept one, then of each. */
  #checks: number[];
  /** Of those that were void since the last {@link keep}, from an index on; the latest comes last. */
  #replaced: { readonly index: number; readonly checks: readonly number[] }[] = [];

  constructor(base: LogBase) {
    this.#firstIndex = base.index + 1;
    this.#checks = [base.check];
  }

  get lastIndex(): LogIndex {
    return (this.#firstIndex + this.#checks.length - 2) as LogIndex;
  }

  /** Whether an entry of this index could follow what is there, or take a place in it. */
  accepts(index: LogIndex): boolean {
    return index >= this.#firstIndex && index <= this.lastIndex + 1;
  }

  /** The check that an entry of this index has to name. */
  checkBefore(index: LogIndex): number {
    const check = this.#checks[index - this.#firstIndex];
    assert(check !== undefined, "an entry follows one that the log knows");
    return check;
  }

  set(index: LogIndex, check: number): void {
    assert(this.accepts(index), "entries are continuous");
    if (index <= this.lastIndex)
      this.#replaced.push({ index, checks: this.#checks.slice(index - this.#firstIndex + 1) });
    this.drop(index);
    this.#checks.push(check);
  }

  /** What was set is kept, and takes for good the places that it took. */
  keep(): void {
    if (this.#replaced.length > 0) this.#replaced = [];
  }

  /** What was set since the last {@link keep} is not kept: others that stood in its places are there again. */
  restore(): void {
    for (const { index, checks } of this.#replaced.splice(0).reverse())
      this.#checks = [...this.#checks.slice(0, index - this.#firstIndex + 1), ...checks];
  }

  /** The entry of this index and all behind it are void. */
  drop(index: LogIndex): void {
    this.#checks.length = Math.min(this.#checks.length, index - this.#firstIndex + 1);
  }

  /** Entries up to this one will not be replaced any more. */
  forget(index: LogIndex): void {
    const count = Math.min(index + 1 - this.#firstIndex, this.#checks.length - 1);
    if (count <= 0) return;
    this.#checks = this.#checks.slice(count);
    this.#firstIndex += count;
  }
}
