/** Keeps to so many bytes in a second by waiting, in steps that are worth a timer. */
import { type Clock, sleep } from "../base/clock.ts";

/** Shorter waits are saved up. */
const SHORTEST_WAIT_MS = 10;

export class Pace {
  readonly #clock: Clock;
  readonly #bytesPerSecond: number;
  readonly #signal: AbortSignal;
  #owedMs = 0;

  /** Absent `bytesPerSecond`: as fast as it goes. */
  constructor(clock: Clock, bytesPerSecond: number | undefined, signal: AbortSignal) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond ?? Number.POSITIVE_INFINITY;
    this.#signal = signal;
  }

  /** Waits as long as so many bytes take. */
  async spend(bytes: number): Promise<void> {
    this.#owedMs += (bytes / this.#bytesPerSecond) * 1000;
    if (this.#owedMs < SHORTEST_WAIT_MS) return;
    const waitMs = this.#owedMs;
    this.#owedMs = 0;
    await sleep(this.#clock, waitMs, this.#signal);
  }
}
