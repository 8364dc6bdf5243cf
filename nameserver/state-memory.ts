/** The state in memory, for tests: durable is what the last checkpoint saw, and nothing else. */
import type { Key } from "./keyspace.ts";
import type { Change, RangeCursor, StateReads, StateStore, Stored } from "./state-store.ts";

export class MemoryState implements StateStore {
  #rows = new Map<Key, Buffer>();
  #durable = new Map<Key, Buffer>();
  #sorted: Key[] | undefined;

  /** The state as a crash leaves it. */
  crashed(): MemoryState {
    const after = new MemoryState();
    after.#rows = new Map(this.#durable);
    after.#durable = new Map(this.#durable);
    return after;
  }

  get(key: Key): Buffer | undefined {
    return this.#rows.get(key);
  }

  /** How many rows there are. */
  count(from: Key, to: Key): number {
    let count = 0;
    for (const key of this.#rows.keys()) if (key >= from && key < to) count++;
    return count;
  }

  range(from: Key, to: Key): RangeCursor {
    this.#sorted ??= [...this.#rows.keys()].sort((a, b) => (a < b ? -1 : 1));
    const sorted = this.#sorted;
    const rows = this.#rows;
    const values = new Map<Key, Buffer>();
    let at = lowerBound(sorted, from);
    for (let i = at; i < sorted.length && (sorted[i] ?? to) < to; i++)
      values.set(sorted[i] ?? "", rows.get(sorted[i] ?? "") ?? Buffer.alloc(0));
    return {
      next(count) {
        const found: Stored[] = [];
        for (; found.length < count && at < sorted.length; at++) {
          const key = sorted[at] ?? "";
          const value = values.get(key);
          if (value === undefined) break;
          found.push({ key, value });
        }
        return Promise.resolve(found);
      },
      seek(key) {
        at = lowerBound(sorted, key < from ? from : key);
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  snapshot(): StateReads & AsyncDisposable {
    const copy = new MemoryState();
    copy.#rows = new Map(this.#rows);
    copy.#sorted = this.#sorted;
    return copy;
  }

  write(changes: readonly Change[]): Promise<void> {
    for (const { key, value } of changes) {
      if (value === undefined ? this.#rows.has(key) : !this.#rows.has(key))
        this.#sorted = undefined;
      if (value === undefined) this.#rows.delete(key);
      else this.#rows.set(key, value);
    }
    return Promise.resolve();
  }

  checkpoint(): Promise<void> {
    this.#durable = new Map(this.#rows);
    return Promise.resolve();
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

function lowerBound(sorted: readonly Key[], key: Key): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? "") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
