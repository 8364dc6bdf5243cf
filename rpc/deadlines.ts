/**
 * One timer for many deadlines: it is set for the earliest one, and when it fires all are looked
 * at. With one usual deadline a call costs no timer of its own.
 */
import type { Clock, Timer } from "../base/clock.ts";

export interface Mortal {
  /** Monotonic. */
  readonly deadlineAtMs: number;
}

export class Deadlines<Entry extends Mortal> {
  readonly #clock: Clock;
  readonly #entries: ReadonlyMap<number, Entry>;
  readonly #expire: (key: number, entry: Entry) => void;
  #timer: Timer | undefined;
  #firesAtMs = Number.POSITIVE_INFINITY;

  /** Watches the entries of a map that the caller fills and empties. */
  constructor(
    clock: Clock,
    entries: ReadonlyMap<number, Entry>,
    expire: (key: number, entry: Entry) => void,
  ) {
    this.#clock = clock;
    this.#entries = entries;
    this.#expire = expire;
  }

  /** Says that an entry with this deadline was added. */
  watch(deadlineAtMs: number): void {
    if (deadlineAtMs >= this.#firesAtMs) return;
    this.#timer?.cancel();
    this.#firesAtMs = deadlineAtMs;
    const delayMs = Math.max(0, Math.ceil(deadlineAtMs - this.#clock.monotonicMs()));
    this.#timer = this.#clock.after(delayMs, this.#sweep);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#firesAtMs = Number.POSITIVE_INFINITY;
  }

  readonly #sweep = (): void => {
    this.stop();
    const nowMs = this.#clock.monotonicMs();
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const [key, entry] of this.#entries) {
      if (entry.deadlineAtMs <= nowMs) this.#expire(key, entry);
      else earliestMs = Math.min(earliestMs, entry.deadlineAtMs);
    }
    if (earliestMs < Number.POSITIVE_INFINITY) this.watch(earliestMs);
  };
}
