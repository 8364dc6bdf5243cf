/**
 * The time that this nameserver puts on changes when it leads. Its own wall clock may jump: where most
 * dataservers tell another time in their heartbeats, theirs counts. It does not go back: when it is
 * ahead (of the wall, or since the log is) it goes on at half the speed until the wall has caught up.
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { ServerId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";

interface Heard {
  /** Their wall clock less our monotonic one: where ours jumps, this does not. */
  readonly baseMs: number;
  readonly atMs: number;
}

export class GroupTime implements Clock {
  readonly #clock: Clock;
  readonly #logTimeMs: () => number;
  readonly #report: (message: string) => void;
  readonly #heard = new Map<ServerId, Heard>();
  #baseMs: number | undefined;
  #isStale = true;
  #judgedMs = Number.NEGATIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  #lastAtMs = 0;
  #isOff = false;

  /** @param logTimeMs that of the last entry applied. */
  constructor(clock: Clock, logTimeMs: () => number, report: (message: string) => void) {
    this.#clock = clock;
    this.#logTimeMs = logTimeMs;
    this.#report = report;
  }

  /** A dataserver says what time it is there; an earlier version says nothing. */
  heard(server: ServerId, wallMs: number | undefined): void {
    if (wallMs === undefined || !Number.isFinite(wallMs)) return;
    const atMs = this.#clock.monotonicMs();
    this.#heard.set(server, { baseMs: wallMs - atMs, atMs });
    this.#isStale = true;
  }

  nowMs(): number {
    const atMs = this.#clock.monotonicMs();
    const wallMs = this.#wallMs(atMs);
    const leastMs = Math.max(this.#lastMs, this.#logTimeMs());
    const passedMs = Number.isFinite(this.#lastMs) ? atMs - this.#lastAtMs : 0;
    this.#lastMs = wallMs >= leastMs ? wallMs : Math.max(leastMs + passedMs / 2, wallMs);
    this.#lastAtMs = atMs;
    return this.#lastMs;
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#clock.after(delayMs, run);
  }

  async endOfTurn(): Promise<void> {
    await this.#clock.endOfTurn?.();
  }

  #wallMs(atMs: number): number {
    const ownMs = this.#clock.nowMs();
    const baseMs = this.#othersMs(atMs);
    const offMs = baseMs === undefined ? 0 : ownMs - (baseMs + atMs);
    const isOff = Math.abs(offMs) > limits.clockTrustMs;
    if (isOff !== this.#isOff) {
      this.#isOff = isOff;
      this.#report(isOff ? offWords(offMs) : "the clock of this nameserver agrees with the others");
    }
    return isOff ? ownMs - offMs : ownMs;
  }

  /** What most dataservers say, when these are most of all who say something, this one too. */
  #othersMs(atMs: number): number | undefined {
    const isDue = this.#isStale && atMs - this.#judgedMs >= limits.clockJudgeMs;
    if (!isDue) return this.#baseMs;
    this.#isStale = false;
    this.#judgedMs = atMs;
    for (const [server, heard] of this.#heard)
      if (atMs - heard.atMs >= limits.clockKeptMs) this.#heard.delete(server);
    const bases = [...this.#heard.values()].map(({ baseMs }) => baseMs).sort((a, b) => a - b);
    const middleMs = bases[bases.length >> 1] ?? 0;
    const agreeing = bases.filter((one) => Math.abs(one - middleMs) <= limits.clockTrustMs);
    this.#baseMs = agreeing.length > (bases.length + 1) / 2 ? middleMs : undefined;
    return this.#baseMs;
  }
}

function offWords(offMs: number): string {
  const minutes = Math.abs(offMs) / 60_000;
  const by = minutes < 120 ? `${minutes.toFixed(1)} minutes` : `${(minutes / 60).toFixed(1)} hours`;
  return `the clock of this nameserver is ${by} ${offMs > 0 ? "ahead of" : "behind"} those of the dataservers: changes carry their time; set its clock (NTP)`;
}
