/**
 * Finds out that a peer is gone though its connection seems to be there (a machine that lost its
 * power closes nothing): while answers are awaited and nothing comes, the peer is asked for a sign.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { limits } from "../base/limits.ts";

export interface HeartbeatActions {
  /** Whether anything is awaited of the peer. */
  readonly awaited: () => boolean;
  readonly ask: () => void;
  readonly giveUp: () => void;
}

export class Heartbeat {
  readonly #clock: Clock;
  readonly #actions: HeartbeatActions;
  readonly #everyMs: number;
  #timer: Timer | undefined;
  /** Signs asked for since the peer was last heard. */
  #asked = 0;

  /** `everyMs`: how long a silent peer is left alone before it is asked. */
  constructor(clock: Clock, actions: HeartbeatActions, everyMs: number = limits.rpcPingMs) {
    this.#clock = clock;
    this.#actions = actions;
    this.#everyMs = everyMs;
  }

  /** Something is awaited from now on. */
  watch(): void {
    if (this.#timer !== undefined) return;
    this.#asked = 0;
    this.#arm();
  }

  heard(): void {
    this.#asked = 0;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer = this.#clock.after(this.#everyMs, this.#beat);
  }

  readonly #beat = (): void => {
    this.#timer = undefined;
    if (!this.#actions.awaited()) return;
    if (this.#asked >= limits.rpcPings) {
      this.#actions.giveUp();
      return;
    }
    this.#asked++;
    this.#actions.ask();
    this.#arm();
  };
}
