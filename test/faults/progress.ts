/** How long acknowledgements take, and how long they stay away after something has happened. */
import { setTimeout as sleep } from "node:timers/promises";

export interface Quantiles {
  readonly median: number;
  readonly p99: number;
  readonly most: number;
}

export function quantilesOf(all: readonly number[]): Quantiles {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number) =>
    Math.round(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0);
  return { median: at(0.5), p99: at(0.99), most: at(1) };
}

/** Whole milliseconds below this are counted, each for itself. */
const LONGEST_MS = 60_000;

export class Progress {
  acknowledged = 0;
  /** The longest time without any acknowledgement. */
  longestGapMs = 0;
  /** From each {@link mark} to the first acknowledgement of a change that was asked for after it. */
  readonly #firstMs: number[] = [];
  readonly #counts = new Uint32Array(LONGEST_MS + 1);
  #lastMs = performance.now();
  #markedMs: number | undefined;

  /** Something has happened that holds acknowledgements up. */
  mark(): void {
    this.#markedMs = performance.now();
  }

  /** A change that was asked for at `begunMs` is acknowledged. */
  acknowledge(begunMs: number): void {
    const nowMs = performance.now();
    this.acknowledged++;
    this.longestGapMs = Math.max(this.longestGapMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
    const took = Math.min(LONGEST_MS, Math.floor(nowMs - begunMs));
    this.#counts[took] = (this.#counts[took] ?? 0) + 1;
    if (this.#markedMs === undefined || begunMs < this.#markedMs) return;
    this.#firstMs.push(nowMs - this.#markedMs);
    this.#markedMs = undefined;
  }

  /** Waits for that acknowledgement; false when it does not come in time. */
  async again(timeoutMs: number): Promise<boolean> {
    const untilMs = performance.now() + timeoutMs;
    while (this.#markedMs !== undefined && performance.now() < untilMs) await sleep(10);
    return this.#markedMs === undefined;
  }

  /** The last of them, ms. */
  get lastFirstMs(): number {
    return Math.round(this.#firstMs.at(-1) ?? 0);
  }

  get first(): Quantiles {
    return quantilesOf(this.#firstMs);
  }

  get latency(): Quantiles {
    return { median: this.#at(0.5), p99: this.#at(0.99), most: this.#at(1) };
  }

  #at(share: number): number {
    let left = Math.max(1, Math.ceil(this.acknowledged * share));
    for (const [ms, count] of this.#counts.entries()) {
      left -= count;
      if (left <= 0) return ms;
    }
    return LONGEST_MS;
  }
}
