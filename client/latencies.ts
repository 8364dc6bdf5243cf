/**
 * How long devices take to answer a read: a moving mean and deviation of each, as TCP keeps them for
 * its timer. From it comes how long to wait before others are asked too, and whom to ask last.
 *
 * Asking others soon takes their time, too: on a busy machine all are late now and then, and would be
 * later for it. So only a share of the reads may (Dean and Barroso, The Tail at Scale, 2013); the rest
 * waits until a device is late for good.
 */
import type { Clock } from "../base/clock.ts";
import type { DeviceId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";

interface Estimate {
  meanMs: number;
  deviationMs: number;
  /** It was slow or away just now: asked only when others do not suffice. */
  shunnedUntilMs: number;
  /** So it is while it has not answered this. */
  awaited: number;
}

export class Latencies {
  readonly #clock: Clock;
  readonly #known = new Map<DeviceId, Estimate>();
  /** How many reads may ask others early. */
  #early: number = limits.hedgesAtOnce;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  answered(device: DeviceId, tookMs: number): void {
    this.#early = Math.min(this.#early + limits.hedgeShare, limits.hedgesAtOnce);
    const known = this.#known.get(device);
    if (known === undefined) {
      this.#add(device, tookMs, tookMs / 2);
      return;
    }
    known.deviationMs += (Math.abs(tookMs - known.meanMs) - known.deviationMs) / 4;
    known.meanMs += (tookMs - known.meanMs) / 8;
  }

  /** It has not answered a read after this long, and others are asked. */
  late(device: DeviceId, afterMs: number, answer: Promise<unknown>): void {
    if (afterMs >= limits.hedgeMs) {
      this.shun(device);
      return;
    }
    this.#early--;
    const known = this.#known.get(device);
    if (known !== undefined) awaitEnd(known, answer);
  }

  /** It did not answer for long, or cannot be reached. */
  shun(device: DeviceId): void {
    const known = this.#known.get(device) ?? this.#add(device, limits.hedgeMs, 0);
    known.shunnedUntilMs = this.#clock.monotonicMs() + limits.shunMs;
  }

  /** It has not answered in time, and is shunned until it does, or can be no more expected to. */
  awaits(device: DeviceId, ending: Promise<unknown>): void {
    this.shun(device);
    const known = this.#known.get(device);
    if (known !== undefined) awaitEnd(known, ending);
  }

  isShunned(device: DeviceId): boolean {
    const known = this.#known.get(device);
    if (known === undefined) return false;
    const { awaited, shunnedUntilMs: untilMs } = known;
    return awaited > 0 || (untilMs > 0 && untilMs > this.#clock.monotonicMs());
  }

  /** After what time it is late. */
  lateAfterMs(device: DeviceId): number {
    const known = this.#known.get(device);
    if (known === undefined || this.#early < 1) return limits.hedgeMs;
    const usualMs = known.meanMs + 4 * known.deviationMs;
    return Math.min(Math.max(usualMs, limits.hedgeLeastMs), limits.hedgeMs);
  }

  #add(device: DeviceId, meanMs: number, deviationMs: number): Estimate {
    if (this.#known.size >= limits.latenciesKept) this.#known.clear();
    const estimate = { meanMs, deviationMs, shunnedUntilMs: 0, awaited: 0 };
    this.#known.set(device, estimate);
    return estimate;
  }
}

function awaitEnd(known: Estimate, ending: Promise<unknown>): void {
  known.awaited++;
  const ended = () => {
    known.awaited--;
  };
  ending.then(ended, ended);
}
