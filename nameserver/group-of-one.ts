/** A group with one member: its own log is the majority. */
import { assert, QuarryError } from "../base/errors.ts";
import type { LogIndex, Term } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { Entry } from "./command.ts";
import { type AnyCommand, type AnyResult, decodeCommand, encodeCommand } from "./command.ts";
import type { Group } from "./group.ts";
import { Log, type LogOptions, type Place } from "./log/log.ts";
import { RECORD_HEAD_BYTES } from "./log/record.ts";
import type { Digest } from "./row-codec.ts";
import { type Outcome, RUN_ENTRIES, StateMachine } from "./state-machine.ts";
import type { Change, StateStore } from "./state-store.ts";

export interface GroupOfOneOptions extends Omit<LogOptions, "onFailure"> {
  /** Owned from here on. */
  readonly store: StateStore;
  readonly report: (message: string) => void;
  readonly onChanges?: (changes: readonly Change[]) => void;
  readonly checkpointBytes?: number;
}

interface Committed {
  readonly entry: Entry;
  readonly settle: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

export class GroupOfOne implements Group {
  readonly isLeader = true;
  readonly #options: GroupOfOneOptions;
  readonly #machine: StateMachine;
  readonly #log: Log;
  /** The last entry that was given an index. */
  #last: Place;
  /** Durable entries that wait to be applied, by index. */
  readonly #committed = new Map<LogIndex, Committed>();
  #proposals = 0;
  /** Called when the last proposal under way is answered, while closing. */
  #onDrained: (() => void) | undefined;
  #applying: Promise<void> | undefined;
  #checkpointing: Promise<void> | undefined;
  #bytesSinceCheckpoint = 0;
  #failure: QuarryError | undefined;
  readonly #failed = Promise.withResolvers<QuarryError>();

  private constructor(options: GroupOfOneOptions, machine: StateMachine, log: Log) {
    this.#options = options;
    this.#machine = machine;
    this.#log = log;
    this.#last = log.last;
  }

  /** Opens the log and brings the state up to it. */
  static async open(options: GroupOfOneOptions): Promise<GroupOfOne> {
    const machine = new StateMachine(options.store, options.onChanges);
    let self: GroupOfOne | undefined;
    const onFailure = (failure: QuarryError) => {
      if (self !== undefined) self.#fail(failure);
    };
    const state = { index: machine.applied, term: 0 as Term, timeMs: machine.timeMs };
    const { log, entries } = await Log.open({ ...options, onFailure }, state);
    let replayedBytes = 0;
    const ahead = entries.filter(({ index }) => index > machine.applied);
    for (let at = 0; at < ahead.length; at += RUN_ENTRIES) {
      const run = ahead.slice(at, at + RUN_ENTRIES);
      await machine.applyRun(run.map((one) => ({ ...one, command: decodeCommand(one.data) })));
      for (const { data } of run) replayedBytes += RECORD_HEAD_BYTES + data.length;
    }
    self = new GroupOfOne(options, machine, log);
    // What was replayed would be replayed again: short lives must not add up to a long start.
    self.#checkpointSoon(replayedBytes);
    return self;
  }

  get state(): Group["state"] {
    return this.#options.store;
  }

  get timeMs(): number {
    return this.#machine.timeMs;
  }

  get applied(): LogIndex {
    return this.#machine.applied;
  }

  get digest(): Digest {
    return this.#machine.digest;
  }

  async propose(command: AnyCommand): Promise<AnyResult> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#onDrained !== undefined) throw closed();
    const payload = encodeCommand(command);
    if (payload.length > limits.commandBytes)
      throw new QuarryError("TooLarge", `a command has at most ${limits.commandBytes} bytes`);
    if (this.#proposals >= limits.commandQueue)
      throw new QuarryError("Busy", "too many changes are waiting; try again later");
    this.#proposals++;
    try {
      const place = await this.#append(payload);
      // What is applied is what the log says, as on any other replica.
      const outcome = await this.#committedEntry({ ...place, command: decodeCommand(payload) });
      this.#checkpointSoon(RECORD_HEAD_BYTES + payload.length);
      if ("refusal" in outcome) throw outcome.refusal;
      return outcome.result;
    } finally {
      this.#answered();
    }
  }

  async #append(data: Buffer): Promise<Place> {
    const index = (this.#last.index + 1) as LogIndex;
    const timeMs = Math.max(this.#options.clock.nowMs(), this.#last.timeMs);
    const place = { index, term: 0 as Term, timeMs };
    this.#last = place;
    try {
      await this.#log.append([{ ...place, kind: "command", session: 0, sequence: 0, data }]);
    } catch (error) {
      this.#last = this.#log.last;
      throw error;
    }
    return place;
  }

  #answered(): void {
    this.#proposals--;
    if (this.#proposals === 0) this.#onDrained?.();
  }

  get failed(): Promise<QuarryError> {
    return this.#failed.promise;
  }

  readBarrier(): Promise<void> {
    return this.#failure === undefined ? Promise.resolve() : Promise.reject(this.#failure);
  }

  /** Makes the state durable and cuts the log below it. */
  async checkpoint(): Promise<void> {
    const { applied } = this.#machine;
    await this.#log.flush();
    await this.#options.store.checkpoint();
    await this.#log.cut(applied);
  }

  /** Answers what was proposed, makes the state durable and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
      if (this.#proposals === 0) resolve();
    });
    await this.#checkpointing;
    try {
      if (this.#failure === undefined) await this.checkpoint();
    } finally {
      this.#failure ??= closed();
      await this.#log[Symbol.asyncDispose]();
      await this.#options.store[Symbol.asyncDispose]();
    }
  }

  #committedEntry(entry: Entry): Promise<Outcome> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((settle, reject) => {
      this.#committed.set(entry.index, { entry, settle, reject });
      this.#applying ??= this.#applyCommitted().finally(() => {
        this.#applying = undefined;
      });
    });
  }

  async #applyCommitted(): Promise<void> {
    // All entries of one group of the log arrive before the first is applied.
    await Promise.resolve();
    for (;;) {
      const run = this.#takeRun();
      if (run.length === 0) return;
      try {
        const outcomes = await this.#machine.applyRun(run.map(({ entry }) => entry));
        run.forEach(({ settle }, i) => {
          const outcome = outcomes[i];
          assert(outcome !== undefined, "every entry has an outcome");
          settle(outcome);
        });
      } catch (error) {
        this.#fail(error, run);
        return;
      }
    }
  }

  #takeRun(): Committed[] {
    const run: Committed[] = [];
    for (let next = this.#machine.applied + 1; run.length < RUN_ENTRIES; next++) {
      const committed = this.#committed.get(next as LogIndex);
      if (committed === undefined) break;
      this.#committed.delete(next as LogIndex);
      run.push(committed);
    }
    return run;
  }

  #checkpointSoon(bytes: number): void {
    this.#bytesSinceCheckpoint += bytes;
    const after = this.#options.checkpointBytes ?? limits.checkpointBytes;
    if (this.#bytesSinceCheckpoint < after || this.#checkpointing !== undefined) return;
    this.#bytesSinceCheckpoint = 0;
    this.#checkpointing = this.checkpoint()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#checkpointing = undefined;
      });
  }

  /** Nothing can be trusted to be applied any more: the nameserver stops (and may restart). */
  #fail(error: unknown, run: readonly Committed[] = []): void {
    this.#failure ??= failureOf(error);
    this.#options.report(`the nameserver stopped taking changes: ${this.#failure.message}`);
    this.#failed.resolve(this.#failure);
    for (const { reject } of [...run, ...this.#committed.values()]) reject(this.#failure);
    this.#committed.clear();
  }
}

function failureOf(error: unknown): QuarryError {
  if (error instanceof QuarryError) return error;
  // LevelDB has no codes.
  if (/No space left on device|Disk quota exceeded/.test(String(error)))
    return new QuarryError(
      "DiskFull",
      "no room is left on the disk of the metadata; free some, then start again: what was acknowledged is kept",
      { cause: error },
    );
  return new QuarryError("DiskFailed", `metadata cannot be changed: ${String(error)}`, {
    cause: error,
  });
}

const closed = () => new QuarryError("Closed", "the nameserver is closed");
