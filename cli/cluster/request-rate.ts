/** Requests a second of a gateway, from what it counts on its /metrics. */
import type { Clock } from "../../base/clock.ts";
import { limits } from "../../base/limits.ts";

export class RequestRate {
  readonly #url: string;
  readonly #clock: Clock;
  #last: { readonly atMs: number; readonly count: number } | undefined;

  constructor(url: string, clock: Clock) {
    this.#url = url;
    this.#clock = clock;
  }

  /** Since it was asked before; undefined the first time, and when the gateway does not answer. */
  async now(): Promise<number | undefined> {
    const count = await this.#count();
    const before = this.#last;
    const atMs = this.#clock.monotonicMs();
    this.#last = count === undefined ? undefined : { atMs, count };
    // A gateway that was started anew counts from 0 on.
    if (before === undefined || count === undefined || count < before.count) return undefined;
    return ((count - before.count) * 1000) / Math.max(1, atMs - before.atMs);
  }

  async #count(): Promise<number | undefined> {
    const signal = AbortSignal.timeout(limits.clusterLookMs);
    return await fetch(`${this.#url}/metrics`, { signal }).then(
      async (answer) => (answer.ok ? requestsIn(await answer.text()) : undefined),
      () => undefined, // it does not serve
    );
  }
}

/** Of all verbs and with all outcomes. */
export function requestsIn(metrics: string): number {
  const counts = metrics.matchAll(/^quarry_s3_requests_total(?:\{[^}]*\})? (\S+)/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}
