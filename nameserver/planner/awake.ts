/**
 * Since when this process runs without a gap: it may have been stopped, or its machine paused, and what
 * it did not hear in that time says nothing of who was there.
 */
import { type Clock, sleep } from "../../base/clock.ts";
import { limits } from "../../base/limits.ts";

export class Awake {
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  #sinceMs: number;
  #lastMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.monotonicMs();
    this.#lastMs = this.#sinceMs;
    this.#loop = this.#tick();
  }

  /** By the monotonic clock. Whoever asks first after a gap is told of it, too. */
  get sinceMs(): number {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lastMs >= limits.standstillMs) this.#sinceMs = nowMs;
    this.#lastMs = nowMs;
    return this.#sinceMs;
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #tick(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      void this.sinceMs;
      await sleep(this.#clock, limits.awakeLookMs, this.#stop.signal);
    }
  }
}
