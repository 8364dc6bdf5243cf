/**
 * One life of a simulated process: its clock, and the only door through which anything gets in. A
 * dead one is never entered again, so what it was waiting for never comes; one that is paused is
 * entered when it goes on.
 */
import type { Clock, Timer } from "../../base/clock.ts";
import type { Agenda } from "../../raft/testing/agenda.ts";

const EPOCH_MS = 1_700_000_000_000;

export class SimProcess {
  readonly clock: Clock;
  readonly #agenda: Agenda;
  #isAlive = true;
  #pausedUntilMs = 0;
  /** When it was last to go on after a pause. */
  #lastPausedMs = Number.NEGATIVE_INFINITY;
  #stirringMs: () => number = () => 0;
  /** How far the wall clock was set wrong. */
  wallShiftMs = 0;

  /** `rate`: how much faster than the others its clocks run (1: not at all). */
  constructor(agenda: Agenda, rate: number) {
    this.#agenda = agenda;
    this.clock = {
      nowMs: () => Math.floor(EPOCH_MS + agenda.nowMs * rate + this.wallShiftMs),
      monotonicMs: () => agenda.nowMs * rate,
      after: (delayMs, run) => this.after(delayMs / rate, run),
    };
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  kill(): void {
    this.#isAlive = false;
  }

  /** `stirringMs`: how much later than that each thing that waits comes in. */
  pause(forMs: number, stirringMs: () => number = () => 0): void {
    this.#stirringMs = stirringMs;
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#agenda.nowMs + forMs);
    this.#lastPausedMs = this.#pausedUntilMs;
  }

  wasPausedWithin(lastMs: number): boolean {
    return this.#agenda.nowMs - this.#lastPausedMs < lastMs;
  }

  resume(): void {
    this.#pausedUntilMs = 0;
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#agenda.after(delayMs, () => this.enter(run));
  }

  /** Runs it now, when the pause is over, or never. */
  enter(run: () => void): void {
    if (!this.#isAlive) return;
    const waitMs = this.#pausedUntilMs - this.#agenda.nowMs;
    if (waitMs > 0) this.after(waitMs + this.#stirringMs(), run);
    else run();
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, resolve);
    });
  }
}
