/**
 * What was asked for once, so that it is known when nobody can be asked any more. It is asked for anew
 * when it is not fresh; while no answer comes, what is remembered counts, for a long time but not for ever.
 */
import { type Clock, endsWithin } from "../../base/clock.ts";
import { hasCode, type QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";

export interface RememberedOptions<Key, Value> {
  readonly clock: Clock;
  ask(key: Key): Promise<Value>;
  readonly freshMs: number;
  /** How long it counts while no answer comes. */
  readonly keptMs: number;
  /** How many are remembered. */
  readonly most: number;
}

interface Known<Value> {
  value: Value;
  atMs: number;
}

export class Remembered<Key, Value> {
  readonly #options: RememberedOptions<Key, Value>;
  /** The oldest first. */
  readonly #known = new Map<Key, Known<Value>>();
  readonly #asking = new Map<Key, Promise<Value>>();
  /** Nobody answered in time. */
  #aloneMs = Number.NEGATIVE_INFINITY;

  constructor(options: RememberedOptions<Key, Value>) {
    this.#options = options;
  }

  /** What is fresh, at once. */
  fresh(key: Key): Value | undefined {
    const known = this.#known.get(key);
    return known !== undefined && this.#ageMs(known) < this.#options.freshMs
      ? known.value
      : undefined;
  }

  /** @throws what asking threw, unless that only says that nobody can be asked and it is remembered. */
  async of(key: Key): Promise<Value> {
    const known = this.#known.get(key);
    const { clock, freshMs, keptMs } = this.#options;
    if (known !== undefined && this.#ageMs(known) < freshMs) return known.value;
    const asking = this.#ask(key);
    if (known === undefined || this.#ageMs(known) >= keptMs) return await asking;
    const isAlone = clock.monotonicMs() - this.#aloneMs < limits.fidAloneMs;
    try {
      if (!isAlone && (await endsWithin(clock, asking, limits.fidAskMs))) return await asking;
    } catch (error) {
      if (!isSilence(error)) throw error;
    }
    asking.catch(() => undefined);
    this.#aloneMs = clock.monotonicMs();
    return known.value;
  }

  /** What has just been learned otherwise. */
  learn(key: Key, value: Value): void {
    this.#known.delete(key);
    this.#known.set(key, { value, atMs: this.#options.clock.monotonicMs() });
    const [oldest] = this.#known.keys();
    if (this.#known.size > this.#options.most && oldest !== undefined) this.#known.delete(oldest);
  }

  /** It is asked for before it is used again: an answer that is on its way may be older than what changed. */
  forget(key: Key): void {
    this.#known.delete(key);
    this.#asking.delete(key);
  }

  #ageMs(known: Known<Value>): number {
    return this.#options.clock.monotonicMs() - known.atMs;
  }

  /** All who want to know at the same time are told by one answer. */
  #ask(key: Key): Promise<Value> {
    const underWay = this.#asking.get(key);
    if (underWay !== undefined) return underWay;
    const isAsked = () => this.#asking.get(key) === asking;
    const asking: Promise<Value> = this.#options
      .ask(key)
      .then(
        (value) => {
          if (isAsked()) this.learn(key, value);
          this.#aloneMs = Number.NEGATIVE_INFINITY;
          return value;
        },
        (error: unknown) => {
          if (isAsked() && !isSilence(error)) this.#known.delete(key);
          throw error;
        },
      )
      .finally(() => {
        if (isAsked()) this.#asking.delete(key);
      });
    this.#asking.set(key, asking);
    return asking;
  }
}

/** Nobody answered: that says nothing about what was asked. */
export const isSilence = (error: unknown): error is QuarryError =>
  hasCode(error, "Unavailable", "Timeout", "Closed", "NotLeader", "Busy");
