/**
 * The matrices in use and their tables in the codec's memory, so that none is inverted twice. The
 * least recently used go when all together take more than their maximum; those that an operation
 * is using stay.
 */
import { limits } from "../base/limits.ts";
import { tableBytes, writeTables } from "./kernel/kernel.ts";
import type { Combination } from "./matrix.ts";

/** The part of the codec's memory that tables need. */
interface TableMemory {
  allocate(lengthBytes: number): number;
  takenBytes(address: number): number;
  release(address: number): void;
  view(address: number, lengthBytes: number): Uint8Array;
}

interface Entry {
  readonly combination: Combination;
  readonly address: number;
  readonly takenBytes: number;
  users: number;
}

export class TableCache {
  readonly #memory: TableMemory;
  readonly #maxBytes: number;
  /** In order of last use, the oldest first. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(memory: TableMemory, maxBytes: number = limits.erasureTableBytes) {
    this.#memory = memory;
    this.#maxBytes = maxBytes;
  }

  /** Combinations that are kept now. */
  get size(): number {
    return this.#entries.size;
  }

  /** Runs `work` with the combination called `key`, made when it is not here. */
  async use<T>(
    key: string,
    make: () => Combination,
    work: (combination: Combination, tables: number) => Promise<T>,
  ): Promise<T> {
    const entry = this.#entries.get(key) ?? this.#add(make());
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.users++;
    try {
      return await work(entry.combination, entry.address);
    } finally {
      entry.users--;
      this.#shrink();
    }
  }

  #add(combination: Combination): Entry {
    const lengthBytes = tableBytes(combination.rows);
    const address = this.#memory.allocate(lengthBytes);
    writeTables(combination.rows, this.#memory.view(address, lengthBytes));
    const takenBytes = this.#memory.takenBytes(address);
    this.#bytes += takenBytes;
    return { combination, address, takenBytes, users: 0 };
  }

  #shrink(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) return;
      if (entry.users > 0) continue;
      this.#entries.delete(key);
      this.#bytes -= entry.takenBytes;
      this.#memory.release(entry.address);
    }
  }
}
