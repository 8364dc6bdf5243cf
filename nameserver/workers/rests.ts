/** Blocks that something was tried with in vain rest before the next try, each time twice as long. */
import type { Clock } from "../../base/clock.ts";
import type { BlockId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";

interface Rest {
  readonly ms: number;
  readonly untilMs: number;
}

export class Rests {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #firstMs: number;
  readonly #longestMs: number;
  readonly #resting = new Map<BlockId, Rest>();

  constructor(
    clock: Pick<Clock, "monotonicMs">,
    firstMs: number,
    longestMs: number = limits.blockRestMs,
  ) {
    this.#clock = clock;
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
  }

  has(block: BlockId): boolean {
    const rest = this.#resting.get(block);
    return rest !== undefined && this.#clock.monotonicMs() < rest.untilMs;
  }

  /** True for the first time in a row: then it is worth telling. */
  failed(block: BlockId): boolean {
    const before = this.#resting.get(block);
    const ms = Math.min((before?.ms ?? this.#firstMs / 2) * 2, this.#longestMs);
    this.#resting.delete(block);
    if (this.#resting.size >= limits.blocksResting) {
      const oldest = this.#resting.keys().next();
      if (oldest.done !== true) this.#resting.delete(oldest.value);
    }
    this.#resting.set(block, { ms, untilMs: this.#clock.monotonicMs() + ms });
    return before === undefined;
  }

  forget(block: BlockId): void {
    this.#resting.delete(block);
  }
}
