/**
 * How long a worker rests between two walks over all blocks: the more there are, the longer, so that
 * walks take a small part of a leader's time however large the cluster is.
 */
import type { Clock } from "../../base/clock.ts";
import { limits } from "../../base/limits.ts";

export class WalkRest {
  readonly #clock: Clock;
  readonly #leastMs: number;
  #rows = 0;
  #fromMs = Number.NEGATIVE_INFINITY;
  #restMs = 0;

  /** @param leastMs of each rest. Before the first walk there is none. */
  constructor(clock: Clock, leastMs: number) {
    this.#clock = clock;
    this.#leastMs = leastMs;
  }

  get isOver(): boolean {
    return this.#clock.monotonicMs() - this.#fromMs >= this.#restMs;
  }

  /** So many rows more were walked over, or blocks told. */
  saw(rows = 1): void {
    this.#rows += rows;
  }

  /** The walk is at its end: the rest begins. */
  begin(): void {
    this.#fromMs = this.#clock.monotonicMs();
    this.#restMs = Math.max(this.#leastMs, (this.#rows * 1_000) / limits.walkedEachSecond);
    this.#rows = 0;
  }
}
