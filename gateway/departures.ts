/**
 * Small answers of one turn of the event loop leave together at its end. To send one costs a few
 * microseconds, to wake a client that sleeps twice as much: the first wakes it, those right behind it
 * find it awake. Whoever is alone leaves as early as without.
 */
import type { Clock } from "../base/clock.ts";

/** So many answers, and for so long, wait for others; what is slow in a turn holds up no more. */
const MOST = 32;
const LONGEST_MS = 1;

export class Departures {
  #waiting: (() => void)[] = [];
  #sinceMs = 0;
  readonly #leave = (): void => {
    const leaving = this.#waiting;
    this.#waiting = [];
    for (const send of leaving) send();
  };

  /** Calls `send` before the loop waits for anything. It does not throw. */
  add(clock: Pick<Clock, "monotonicMs">, send: () => void): void {
    const nowMs = clock.monotonicMs();
    const count = this.#waiting.push(send);
    if (count === 1) {
      this.#sinceMs = nowMs;
      setImmediate(this.#leave);
    } else if (count >= MOST || nowMs - this.#sinceMs > LONGEST_MS) this.#leave();
  }
}

/** Of this process: it has one event loop. */
export const departures: Departures = new Departures();
