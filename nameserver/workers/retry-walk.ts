/**
 * When a walk through a queue begins again, because entries stayed behind. It goes to the end of the
 * queue first: what one entry waits for keeps no other waiting. A walk in which nothing went doubles
 * the pause, since nobody can do more than wait for members that are away.
 */
import type { DeviceId } from "../../base/ids.ts";
import { type Key, laterKey } from "../keyspace.ts";

export class RetryWalk {
  readonly #retryMs: number;
  readonly #longestMs: number;
  #pauseMs: number;
  /** The first entry that stayed. */
  #first: Key | undefined;
  /** Absent: the walk has not come to its end. */
  #againMs: number | undefined;
  #hasGone = false;
  /** Somebody came back when this walk may have passed what waited for them. */
  #isBack = false;
  #passed: Key = "";
  #away: ReadonlySet<DeviceId> = new Set();

  constructor(retryMs: number, longestMs: number) {
    this.#retryMs = retryMs;
    this.#longestMs = longestMs;
    this.#pauseMs = retryMs;
  }

  /** Where to begin again, when it is time to: the pause is over, or somebody is back. */
  due(nowMs: number, away: ReadonlySet<DeviceId>): Key | undefined {
    this.#isBack ||= [...this.#away].some((device) => !away.has(device));
    this.#away = away;
    if (this.#againMs === undefined || (nowMs < this.#againMs && !this.#isBack)) return undefined;
    if (this.#isBack) this.#pauseMs = this.#retryMs;
    this.#isBack = false;
    const first = this.#first;
    this.#first = undefined;
    this.#againMs = undefined;
    return first;
  }

  /** Whether an entry was passed in an earlier walk. */
  isKnown(key: Key): boolean {
    return key <= this.#passed;
  }

  passed(key: Key, stays: boolean): void {
    if (stays) this.#first ??= key;
    else this.#hasGone = true;
    this.#passed = laterKey(this.#passed, key);
  }

  /** There is nothing behind the last entry. */
  ended(nowMs: number): void {
    if (this.#first === undefined || this.#againMs !== undefined) return;
    this.#againMs = nowMs + this.#pauseMs;
    this.#pauseMs = this.#hasGone ? this.#retryMs : Math.min(this.#pauseMs * 2, this.#longestMs);
    this.#hasGone = false;
  }
}
