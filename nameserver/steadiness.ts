/**
 * Dataservers that go down and come up again and again: each return within some minutes of the ones
 * before makes the time longer for which they must be up before new blocks are trusted to them. What
 * they have is read whenever they are up.
 */
import type { ServerId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";

export class Steadiness {
  /** When they came back, of late: the last times. */
  readonly #returns = new Map<ServerId, readonly number[]>();

  /** It was down, and is up. */
  returned(server: ServerId, nowMs: number): void {
    const returns = [...this.#recent(server, nowMs), nowMs];
    this.#returns.set(server, returns.slice(-limits.flapsKept));
  }

  /** How long it must go on to be up, as of its last return; 0: it is steady. */
  unsteadyMs(server: ServerId, nowMs: number): number {
    const returns = this.#recent(server, nowMs);
    const [first, last] = [returns[0], returns.at(-1)];
    if (first === undefined || last === undefined || returns.length < 2) return 0;
    const holdMs = Math.min(
      limits.flapHoldMs * 2 ** (returns.length - 2),
      limits.flapHoldLongestMs,
    );
    return Math.max(0, last + holdMs - nowMs);
  }

  forget(server: ServerId): void {
    this.#returns.delete(server);
  }

  #recent(server: ServerId, nowMs: number): readonly number[] {
    const returns = this.#returns.get(server) ?? [];
    return returns.filter((atMs) => nowMs - atMs < limits.flapWindowMs);
  }
}
