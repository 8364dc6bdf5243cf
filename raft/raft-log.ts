/**
 * The log in memory: everything behind the state that it was cut at. What of it is durable or
 * committed others know (persistence.ts, core.ts).
 */
import { assert } from "../base/errors.ts";
import type { LogIndex, Term } from "../base/ids.ts";
import { type Entry, entryBytes, type StateHead } from "./entry.ts";

/** What goes in front of the first entry. */
type Base = Pick<StateHead, "index" | "term" | "timeMs">;

export class RaftLog {
  #base: Base;
  #entries: Entry[] = [];
  #bytes = 0;

  constructor(base: Base) {
    this.#base = base;
  }

  /** Entries up to this one are gone, but for its term. */
  get baseIndex(): LogIndex {
    return this.#base.index;
  }

  get lastIndex(): LogIndex {
    return (this.#base.index + this.#entries.length) as LogIndex;
  }

  get lastTerm(): Term {
    return (this.#entries.at(-1) ?? this.#base).term;
  }

  get lastTimeMs(): number {
    return (this.#entries.at(-1) ?? this.#base).timeMs;
  }

  /** Memory that the entries take, as `entryBytes` reckons. */
  get bytes(): number {
    return this.#bytes;
  }

  entryAt(index: LogIndex): Entry | undefined {
    return this.#entries[index - this.#base.index - 1];
  }

  /** Undefined for what was cut off and for what is not there yet. */
  termAt(index: LogIndex): Term | undefined {
    return index === this.#base.index ? this.#base.term : this.entryAt(index)?.term;
  }

  append(entry: Entry): void {
    assert(entry.index === this.lastIndex + 1, "the log has no gap");
    assert(entry.term >= this.lastTerm, "terms do not fall along the log");
    this.#entries.push(entry);
    this.#bytes += entryBytes(entry);
  }

  /** Removes the entries from `from` on. */
  truncate(from: LogIndex): void {
    assert(from > this.#base.index, "what a state contains is not cut off");
    this.#remove(from - this.#base.index - 1, this.#entries.length);
  }

  /** Forgets the entries up to `index`. */
  compact(index: LogIndex): void {
    const end = this.entryAt(index);
    if (end === undefined) return;
    const { term, timeMs } = end;
    this.#remove(0, index - this.#base.index);
    this.#base = { index, term, timeMs };
  }

  /** Goes on behind a state. */
  reset(base: Base): void {
    this.#base = base;
    this.#entries = [];
    this.#bytes = 0;
  }

  /** Entries `from` … `through`, of which there may be fewer: at most so many and so large, but one. */
  slice(
    from: LogIndex,
    through: LogIndex,
    maxEntries = Infinity,
    maxBytes = Infinity,
  ): readonly Entry[] {
    assert(from > this.#base.index, "entries that were cut off are not asked for");
    const first = from - this.#base.index - 1;
    const most = Math.min(through - this.#base.index, this.#entries.length, first + maxEntries);
    let end = first;
    for (let bytes = 0; end < most; end++) {
      const entry = this.#entries[end];
      if (entry === undefined) break;
      bytes += entryBytes(entry);
      if (bytes > maxBytes && end > first) break;
    }
    return this.#entries.slice(first, end);
  }

  /**
   * The last place at or before `index` whose term is at most `term`: above it two logs cannot agree
   * when the other one ends, or differs, at (`index`, `term`). Each exchange skips a whole term.
   */
  lastOfTermAtMost(index: LogIndex, term: Term): { index: LogIndex; term: Term } {
    let low = this.#base.index;
    let high = Math.min(index, this.lastIndex);
    while (low < high) {
      const middle = Math.ceil((low + high) / 2) as LogIndex;
      if ((this.termAt(middle) ?? 0) <= term) low = middle;
      else high = middle - 1;
    }
    return { index: low, term: this.termAt(low) ?? this.#base.term };
  }

  #remove(from: number, to: number): void {
    for (const entry of this.#entries.splice(from, to - from)) this.#bytes -= entryBytes(entry);
  }
}
