/**
 * Scrubbing as long as the server runs: all devices, one after the other, slowly, again and again.
 * Damage is noted and reported by the scrub itself; here is only the pace.
 */
import { type Clock, sleep } from "../base/clock.ts";
import type { Dataserver } from "./dataserver.ts";

export interface ScrubbingOptions {
  readonly clock: Clock;
  /** Bytes read in a second; 0 turns scrubbing off. */
  readonly bytesPerSecond: number;
  /** From the end of one round to the begin of the next. */
  readonly restMs: number;
  readonly report: (message: string) => void;
}

export interface Scrubbing extends AsyncDisposable {
  /** Rounds over all devices that were finished. */
  readonly rounds: number;
}

export function startScrubbing(dataserver: Dataserver, options: ScrubbingOptions): Scrubbing {
  const stopping = new AbortController();
  const state = { rounds: 0 };
  const running =
    options.bytesPerSecond > 0 ? scrubOn(dataserver, options, stopping.signal, state) : undefined;
  return {
    get rounds() {
      return state.rounds;
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
    },
  };
}

async function scrubOn(
  dataserver: Dataserver,
  { clock, bytesPerSecond, restMs, report }: ScrubbingOptions,
  signal: AbortSignal,
  state: { rounds: number },
): Promise<void> {
  while (!signal.aborted) {
    await sleep(clock, restMs, signal);
    for (const { device, path } of await dataserver.devices()) {
      if (signal.aborted) return;
      try {
        const { bad } = await dataserver.scrub(device, { bytesPerSecond, signal });
        if (bad > 0) report(`scrub: ${bad} damaged places on ${path}`);
      } catch (error) {
        report(`scrub of ${path} stopped: ${String(error)}`);
      }
    }
    if (!signal.aborted) state.rounds++;
  }
}
