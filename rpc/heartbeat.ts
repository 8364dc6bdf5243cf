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
  #timer: Timer | undefined;
  /** Signs asked for since the peer was last heard. */
  #asked = 0;

  constructor(clock: Clock, actions: HeartbeatActions) {
    this.#clock = clock;
    this.#actions = actions;
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
    this.#timer = this.#clock.after(limits.rpcPingMs, this.#beat);
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
