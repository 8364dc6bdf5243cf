/** Appends on their way to one follower, oldest first: how many and how large they may be. */
import type { LogIndex } from "../base/ids.ts";
import { limits } from "../base/limits.ts";

const SLOTS = limits.raftInflightAppends;

export class Inflight {
  /** A ring: last index and size of each append. */
  readonly #indexes = new Float64Array(SLOTS);
  readonly #sizes = new Float64Array(SLOTS);
  #first = 0;
  #count = 0;
  #bytes = 0;

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= SLOTS || this.#bytes >= limits.raftInflightBytes;
  }

  add(last: LogIndex, bytes: number): void {
    const slot = (this.#first + this.#count) % SLOTS;
    this.#indexes[slot] = last;
    this.#sizes[slot] = bytes;
    this.#count++;
    this.#bytes += bytes;
  }

  /** Everything up to `index` has arrived. */
  freeThrough(index: LogIndex): void {
    while (this.#count > 0 && (this.#indexes[this.#first] ?? 0) <= index) {
      this.#bytes -= this.#sizes[this.#first] ?? 0;
      this.#first = (this.#first + 1) % SLOTS;
      this.#count--;
    }
  }

  clear(): void {
    this.#first = 0;
    this.#count = 0;
    this.#bytes = 0;
  }
}
