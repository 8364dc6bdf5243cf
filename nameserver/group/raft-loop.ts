/** Steps the Raft core with the clock; what comes of the steps of one tick is taken together. */
import type { Clock, Timer } from "../../base/clock.ts";
import type { Term } from "../../base/ids.ts";
import type { Input } from "../../raft/input.ts";
import type { Outputs } from "../../raft/outputs.ts";
import type { Raft, Status } from "../../raft/raft.ts";

/** Ticks in each heartbeat. */
const TICKS = 2;

export interface RaftLoopOptions {
  readonly raft: Raft;
  readonly clock: Clock;
  readonly heartbeatMs: number;
  readonly handle: (outputs: Outputs) => void;
  /** It leads no more; it did in this term. */
  readonly onDeposed: (term: Term) => void;
  readonly onFailure: (error: unknown) => void;
}

export class RaftLoop {
  readonly #options: RaftLoopOptions;
  /** Resolves when this member leads for the first time. */
  readonly elected: Promise<void>;
  readonly #onElected: () => void;
  #ticker: Timer | undefined;
  #isTaking = false;
  /** Role or members may have changed since {@link #status} was asked for. */
  #isStatusDue = false;
  #status: Status;
  #isAlone = false;
  #stopped = false;

  constructor(options: RaftLoopOptions) {
    this.#options = options;
    this.#status = options.raft.status;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.elected = promise;
    this.#onElected = resolve;
    this.#tick();
  }

  get isLeader(): boolean {
    return this.#status.role === "leader";
  }

  /** As of the last outputs. */
  get status(): Status {
    return this.#status;
  }

  /** Leads a group of which it is the only voter. */
  get isAlone(): boolean {
    return this.#isAlone && this.isLeader;
  }

  step(input: Input): void {
    if (this.#stopped) return;
    const { raft, clock, onFailure } = this.#options;
    try {
      raft.step({ steadyMs: clock.monotonicMs(), wallMs: clock.nowMs() }, input);
    } catch (error) {
      onFailure(error);
      return;
    }
    if (input.type !== "propose" && input.type !== "read") this.#isStatusDue = true;
    if (this.#isTaking) return;
    this.#isTaking = true;
    queueMicrotask(() => this.#take());
  }

  /** Nothing is stepped or handed out any more. */
  stop(): void {
    this.#stopped = true;
    this.#ticker?.cancel();
  }

  #tick(): void {
    const { clock, heartbeatMs } = this.#options;
    this.#ticker = clock.after(heartbeatMs / TICKS, () => {
      if (this.#stopped) return;
      this.step({ type: "tick" });
      this.#tick();
    });
  }

  #take(): void {
    const { raft, handle, onFailure } = this.#options;
    this.#isTaking = false;
    try {
      while (!this.#stopped) {
        const outputs = raft.take();
        if (outputs === undefined) break;
        handle(outputs);
      }
    } catch (error) {
      onFailure(error);
    }
    if (!this.#isStatusDue) return;
    this.#isStatusDue = false;
    const before = this.#status;
    this.#status = raft.status;
    if (before.role === "leader" && !(this.isLeader && this.#status.term === before.term))
      this.#options.onDeposed(before.term);
    const { voters, outgoing } = this.#status.configuration;
    this.#isAlone = voters.length === 1 && outgoing.length === 0;
    if (this.isLeader) this.#onElected();
  }
}
