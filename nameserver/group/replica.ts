/**
 * One nameserver's share of the group: drives the Raft core with its clock, disk and network, applies
 * what is committed, and answers those who proposed or want to read. A store on one machine is a
 * group of one.
 */
import type { Timer } from "../../base/clock.ts";
import { assert, QuarryError, unreachable } from "../../base/errors.ts";
import type { LogIndex, NodeId, Term } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { type Configuration, configurationOf } from "../../raft/configuration.ts";
import type { Input, Now } from "../../raft/input.ts";
import type { Message } from "../../raft/message.ts";
import type { Outputs, Refusal } from "../../raft/outputs.ts";
import { Raft, type Status } from "../../raft/raft.ts";
import { defaultSettings, type Settings } from "../../raft/settings.ts";
import { type AnyCommand, type AnyResult, encodeCommand } from "../command.ts";
import { Log, type LogOptions } from "../log/log.ts";
import type { Digest } from "../row-codec.ts";
import { StateMachine } from "../state-machine.ts";
import type { Change, StateStore } from "../state-store.ts";
import { Applier } from "./applier.ts";
import type { Group } from "./group.ts";
import { Persister } from "./persister.ts";
import { readVote } from "./vote-file.ts";

export interface ReplicaOptions extends Omit<LogOptions, "onFailure" | "directory"> {
  /** Holds the log in `log/`, and the vote. */
  readonly directory: string;
  /** Owned from here on. */
  readonly store: StateStore;
  readonly report: (message: string) => void;
  readonly onChanges?: (changes: readonly Change[]) => void;
  readonly checkpointBytes?: number;
  readonly settings?: Settings;
  /** Which member this is, and who founds the group. Default: a group of one. */
  readonly node?: NodeId;
  readonly founders?: Configuration;
  /** Carries messages to the others; may lose them. */
  readonly send?: (messages: readonly Message[]) => void;
}

interface Waiting {
  readonly resolve: (result: AnyResult) => void;
  readonly reject: (error: unknown) => void;
}

const SOLE = 1 as NodeId;
const RESOLVED = Promise.resolve();
/** Ticks in each heartbeat. */
const TICKS = 2;

export class Replica implements Group {
  readonly #options: ReplicaOptions;
  readonly #machine: StateMachine;
  readonly #log: Log;
  readonly #raft: Raft;
  readonly #persister: Persister;
  readonly #applier: Applier;
  /** By proposal, until it has its place in the log. */
  readonly #proposed = new Map<number, Waiting>();
  /** Reads that wait to be confirmed. */
  readonly #reads = new Map<number, PromiseWithResolvers<void>>();
  #nextRead: Promise<void> | undefined;
  #lastId = 0;
  #underWay = 0;
  #isTaking = false;
  /** Role or members may have changed since {@link #status} was asked for. */
  #isStatusDue = true;
  #status: Status;
  #isAlone = false;
  /** Resolves when this member leads for the first time. */
  readonly #elected = Promise.withResolvers<void>();
  #ticker: Timer | undefined;
  /** Called when the last proposal under way is answered, while closing. */
  #onDrained: (() => void) | undefined;
  #checkpointing: Promise<void> | undefined;
  #bytesSinceCheckpoint = 0;
  #failure: QuarryError | undefined;
  readonly #failed = Promise.withResolvers<QuarryError>();

  private constructor(
    options: ReplicaOptions,
    machine: StateMachine,
    log: Log,
    raft: Raft,
    replayedBytes: number,
  ) {
    this.#options = options;
    this.#machine = machine;
    this.#log = log;
    this.#raft = raft;
    this.#status = raft.status;
    this.#bytesSinceCheckpoint = replayedBytes;
    const { disk, clock, directory, report } = options;
    this.#persister = new Persister({
      ...{ disk, clock, directory, report, log },
      onPersisted: (sequence, messages) => {
        this.#send(messages);
        this.#step({ type: "persisted", sequence });
      },
      onFailure: (error) => this.#fail(error),
    });
    this.#applier = new Applier(machine, {
      onApplied: (bytes) => this.#checkpointSoon(bytes),
      onFailure: (error) => this.#fail(error),
    });
  }

  /** Opens log, vote and state. A sole voter leads, and has applied its log, when this resolves. */
  static async open(options: ReplicaOptions): Promise<Replica> {
    const { disk, directory, clock, random } = options;
    const id = options.node ?? SOLE;
    const founders = options.founders ?? configurationOf({ voters: [id], learners: [] });
    const machine = new StateMachine(options.store, founders, options.onChanges);
    let self: Replica | undefined;
    const onFailure = (failure: QuarryError) => {
      if (self !== undefined) self.#fail(failure);
    };
    const logOptions = { ...options, directory: `${directory}/log`, onFailure };
    const { log, base, entries } = await Log.open(logOptions, machine.head);
    const raft = new Raft({
      id,
      settings: options.settings ?? defaultSettings,
      random: () => random.u32(),
      nowMs: clock.monotonicMs(),
      hardState: await readVote(disk, directory),
      state: machine.head,
      base,
      entries,
    });
    const replayedBytes = entries.reduce((sum, { data }) => sum + data.length, 0);
    self = new Replica(options, machine, log, raft, replayedBytes);
    self.#tick();
    const { voters } = raft.status.configuration;
    if (voters.length === 1 && voters[0] === id) {
      self.#step({ type: "campaign" });
      await Promise.race([self.#elected.promise, self.#failed.promise]);
      await self.#read();
    }
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

  get isLeader(): boolean {
    return this.#status.role === "leader";
  }

  get status(): Status {
    return this.#raft.status;
  }

  get failed(): Promise<QuarryError> {
    return this.#failed.promise;
  }

  /** A message of another member has come. */
  receive(message: Message): void {
    if (this.#failure === undefined) this.#step({ type: "message", message });
  }

  async propose(command: AnyCommand): Promise<AnyResult> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#onDrained !== undefined) throw closed();
    const data = encodeCommand(command);
    if (data.length > limits.commandBytes)
      throw new QuarryError("TooLarge", `a command has at most ${limits.commandBytes} bytes`);
    if (this.#underWay >= limits.commandQueue)
      throw new QuarryError("Busy", "too many changes are waiting; try again later");
    if (this.#persister.isFull)
      throw new QuarryError("DiskFull", "the disk of the metadata is full; free some room");
    this.#underWay++;
    try {
      return await new Promise((resolve, reject) => {
        const id = ++this.#lastId;
        this.#proposed.set(id, { resolve, reject });
        this.#step({ type: "propose", proposal: { id, session: 0, sequence: 0, data } });
      });
    } finally {
      this.#answered();
    }
  }

  #answered(): void {
    this.#underWay--;
    if (this.#underWay === 0) this.#onDrained?.();
  }

  /** All reads that begin in one tick share one confirmation. */
  readBarrier(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    // Alone: what was acknowledged is applied here, and nobody else can have acknowledged anything.
    if (this.#isAlone && this.isLeader) return RESOLVED;
    this.#nextRead ??= this.#read();
    return this.#nextRead;
  }

  async #read(): Promise<void> {
    await Promise.resolve();
    this.#nextRead = undefined;
    if (this.#failure !== undefined) throw this.#failure;
    const id = ++this.#lastId;
    const confirmed = Promise.withResolvers<void>();
    this.#reads.set(id, confirmed);
    this.#step({ type: "read", id });
    await confirmed.promise;
  }

  /** Makes the state durable and cuts the log below it. */
  async checkpoint(): Promise<void> {
    const { applied } = this.#machine;
    await this.#log.flush();
    await this.#options.store.checkpoint();
    this.#step({ type: "compact", index: applied });
    await this.#log.cut(this.#raft.status.baseIndex);
  }

  /** Answers what was proposed, makes the state durable and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
      if (this.#underWay === 0 || this.#failure !== undefined) resolve();
    });
    this.#ticker?.cancel();
    await this.#persister.stop();
    await this.#applier.idle();
    await this.#checkpointing;
    try {
      if (this.#failure === undefined) await this.checkpoint();
    } finally {
      this.#failure ??= closed();
      for (const { reject } of this.#reads.values()) reject(this.#failure);
      await this.#log[Symbol.asyncDispose]();
      await this.#options.store[Symbol.asyncDispose]();
    }
  }

  #tick(): void {
    const { heartbeatMs } = this.#options.settings ?? defaultSettings;
    this.#ticker = this.#options.clock.after(heartbeatMs / TICKS, () => {
      if (this.#failure !== undefined) return;
      this.#step({ type: "tick" });
      this.#tick();
    });
  }

  get #now(): Now {
    const { clock } = this.#options;
    return { steadyMs: clock.monotonicMs(), wallMs: clock.nowMs() };
  }

  /** What comes of the steps of one tick is taken together. */
  #step(input: Input): void {
    try {
      this.#raft.step(this.#now, input);
      if (input.type !== "propose" && input.type !== "read") this.#isStatusDue = true;
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#isTaking) return;
    this.#isTaking = true;
    queueMicrotask(() => {
      this.#isTaking = false;
      try {
        this.#takeAll();
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  #takeAll(): void {
    for (;;) {
      if (this.#failure !== undefined) return;
      const outputs = this.#raft.take();
      if (outputs === undefined) break;
      this.#handle(outputs);
    }
    if (!this.#isStatusDue) return;
    this.#isStatusDue = false;
    this.#status = this.#raft.status;
    const { voters, outgoing } = this.#status.configuration;
    this.#isAlone = voters.length === 1 && outgoing.length === 0;
    if (this.isLeader) this.#elected.resolve();
  }

  #handle(outputs: Outputs): void {
    this.#send(outputs.send);
    if (outputs.persist !== undefined) this.#persister.add(outputs.persist);
    for (const { id, index, term } of outputs.accepted) this.#accepted(id, index, term);
    for (const refusal of outputs.refused) this.#refused(refusal);
    this.#applier.add(outputs.committed);
    for (const { id, index } of outputs.reads)
      void this.#applier.reached(index).then(() => this.#confirm(id, undefined));
    for (const id of outputs.failedReads) this.#confirm(id, noLeader());
    for (const task of outputs.snapshots)
      throw new QuarryError("NotImplemented", `a snapshot is to be ${task.type}`);
  }

  #send(messages: readonly Message[]): void {
    if (messages.length > 0) this.#options.send?.(messages);
  }

  #accepted(id: number, index: LogIndex, term: Term): void {
    const waiting = this.#proposed.get(id);
    this.#proposed.delete(id);
    assert(waiting !== undefined, "only what was proposed is accepted");
    this.#applier.expect(index, term, waiting);
  }

  #refused({ id, reason, message }: Refusal): void {
    const waiting = this.#proposed.get(id);
    this.#proposed.delete(id);
    waiting?.reject(errorOf(reason, message));
  }

  #confirm(id: number, error: QuarryError | undefined): void {
    const waiting = this.#reads.get(id);
    this.#reads.delete(id);
    if (error === undefined) waiting?.resolve();
    else waiting?.reject(error);
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
  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = failureOf(error);
    this.#options.report(`the nameserver stopped taking changes: ${this.#failure.message}`);
    this.#failed.resolve(this.#failure);
    for (const { reject } of [...this.#proposed.values(), ...this.#reads.values()])
      reject(this.#failure);
    this.#proposed.clear();
    this.#reads.clear();
    this.#applier.fail(this.#failure);
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
const noLeader = () =>
  new QuarryError("Unavailable", "the nameservers have no leader now; try again");

function errorOf(reason: Refusal["reason"], message: string): QuarryError {
  switch (reason) {
    case "busy":
      return new QuarryError("Busy", message);
    case "invalid":
      return new QuarryError("InvalidArgument", message);
    case "noLeader":
    case "transferring":
    case "unknown":
      return new QuarryError("Unavailable", message);
    default:
      return unreachable(reason);
  }
}
