/**
 * One nameserver's share of the group: drives the Raft core with its clock, disk and network, applies
 * what is committed, and answers those who proposed or want to read. A store on one machine is a
 * group of one.
 */
import { endsWithin } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import type { LogIndex, NodeId, Term } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { type Configuration, configurationOf, type Members } from "../../raft/configuration.ts";
import { NOBODY } from "../../raft/entry.ts";
import type { Message } from "../../raft/message.ts";
import type { Outputs } from "../../raft/outputs.ts";
import type { Raft, Status } from "../../raft/raft.ts";
import { defaultSettings } from "../../raft/settings.ts";
import type { Once } from "../../rpc/commands.ts";
import type { AnyCommand, AnyResult } from "../command.ts";
import { encodeFor, isUnderstood } from "../levels.ts";
import type { Log } from "../log/log.ts";
import type { Digest } from "../row-codec.ts";
import { StateMachine } from "../state-machine.ts";
import { Applier } from "./applier.ts";
import { Checkpoints } from "./checkpoints.ts";
import { closed, failureOf, noLeader, outcomeUnknown } from "./failures.ts";
import { GiveWay } from "./give-way.ts";
import { type Group, NOT_ONCE } from "./group.ts";
import { openCore } from "./open-core.ts";
import { Persister } from "./persister.ts";
import { RaftLoop } from "./raft-loop.ts";
import { Reads } from "./reads.ts";
import type { ReplicaOptions } from "./replica-options.ts";
import { Retention } from "./retention.ts";
import { Snapshots } from "./snapshots.ts";
import { Waiting } from "./waiting.ts";
import { whatOf } from "./way-back.ts";

export class Replica implements Group {
  readonly #options: ReplicaOptions;
  readonly retention: Retention;
  readonly #machine: StateMachine;
  readonly #log: Log;
  readonly #raft: Raft;
  readonly #persister: Persister;
  readonly #applier: Applier;
  readonly #checkpoints: Checkpoints;
  readonly #snapshots: Snapshots;
  readonly #waiting = new Waiting();
  readonly #reads: Reads;
  #underWay = 0;
  readonly #loop: RaftLoop;
  /** Called when the last proposal under way is answered, while closing. */
  #onDrained: (() => void) | undefined;
  /** Closing: what the others decide from now on is for the next start. */
  #isDeaf = false;
  /** What ended it. */
  failure: QuarryError | undefined;
  readonly #failed = Promise.withResolvers<QuarryError>();

  private constructor(options: ReplicaOptions, machine: StateMachine, log: Log, raft: Raft) {
    this.#options = options;
    this.#machine = machine;
    this.#log = log;
    this.#raft = raft;
    this.retention = new Retention(raft, machine);
    const { disk, clock, directory, report } = options;
    const onFailure = (error: unknown) => this.#fail(error);
    this.#loop = new RaftLoop({
      ...{ raft, clock, onFailure },
      heartbeatMs: (options.settings ?? defaultSettings).heartbeatMs,
      handle: (outputs) => this.#handle(outputs),
      // What became of proposals is mostly known soon, from the next leader; cut off, it never is.
      onDeposed: (term) => clock.after(limits.groupFateMs, () => this.#applier.giveUp(term)),
    });
    this.#persister = new Persister({
      ...{ disk, clock, directory, report, log, room: new GiveWay(clock, this) },
      mayGrow: () => this.#applier.settled(),
      onPersisted: (sequence, messages) => {
        options.send?.(messages);
        this.#loop.step({ type: "persisted", sequence });
      },
      onFailure,
    });
    const everyBytes = options.checkpointBytes ?? limits.checkpointBytes;
    this.#checkpoints = new Checkpoints(everyBytes, () => this.checkpoint(), onFailure);
    this.#applier = new Applier(machine, {
      onApplied: (bytes) => {
        this.#checkpoints.applied(bytes);
        options.onApplied?.();
      },
      onFailure,
    });
    this.#reads = new Reads(this.#waiting, (id) => {
      if (this.failure !== undefined) throw this.failure;
      this.#loop.step({ type: "read", id });
    });
    this.#snapshots = new Snapshots({
      ...{ state: options.store, random: options.random, report, onFailure },
      idle: async () => {
        await this.#applier.idle();
        await this.#checkpoints.idle();
      },
      onReplaced: () => {
        machine.replaced();
        this.#applier.replaced();
        options.onReplaced?.();
      },
      step: (input) => this.#loop.step(input),
    });
  }

  /** Opens log, vote and state. A sole voter leads, and has applied its log, when this resolves. */
  static async open(options: ReplicaOptions): Promise<Replica> {
    const { node: id = 1 as NodeId, store, onChanges, observer, onChanging } = options;
    const founders = options.founders ?? configurationOf({ voters: [id], learners: [] });
    const machine = new StateMachine(store, founders, onChanges, observer, onChanging);
    let self: Replica | undefined;
    const onFailure = (failure: QuarryError) => {
      if (self !== undefined) self.#fail(failure);
    };
    const { log, raft } = await openCore({ ...options, node: id }, machine, onFailure);
    self = new Replica(options, machine, log, raft);
    const { configuration, mustNotVote } = raft.status;
    if (configuration.voters.length === 1 && configuration.voters[0] === id && !mustNotVote) {
      self.#loop.step({ type: "campaign" });
      await Promise.race([self.#loop.elected, self.#failed.promise]);
      await self.#reads.next();
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
    return this.failure === undefined && this.#loop.isLeader;
  }

  get status(): Status {
    return this.#raft.status;
  }

  get failed(): Promise<QuarryError> {
    return this.#failed.promise;
  }

  get term(): Term {
    return this.#loop.status.term;
  }

  /** Who belongs to the group, as of what is applied here. */
  get configuration(): Configuration {
    return this.#machine.head.configuration;
  }

  /** Of the snapshot that is on its way here. */
  get receivedBytes(): number | undefined {
    return this.#snapshots.receivedBytes;
  }

  /** It takes no part any more: it was removed, or its state is harmed. */
  readonly retire = (why: QuarryError): void => this.#fail(why);

  /** Who leads, as far as this member knows. */
  get leader(): NodeId | undefined {
    const { leader } = this.#loop.status;
    return leader === NOBODY || this.failure !== undefined ? undefined : leader;
  }

  /** What was on its way to this member may be lost. */
  unreachable(node: NodeId): void {
    if (this.failure === undefined) this.#loop.step({ type: "unreachable", node });
  }

  transfer(to: NodeId): void {
    if (this.failure === undefined) this.#loop.step({ type: "transfer", to });
  }

  /** A message of another member has come. */
  receive(message: Message): void {
    if (this.failure === undefined && !this.#isDeaf) this.#loop.step({ type: "message", message });
  }

  async propose(command: AnyCommand, once: Once = NOT_ONCE, within?: Term): Promise<AnyResult> {
    if (this.failure !== undefined) throw this.failure;
    if (this.#onDrained !== undefined) throw closed();
    if (!isUnderstood(this.state, command) && this.isLeader) await this.#options.levelsHeard?.();
    const data = encodeFor(this.state, command);
    if (this.#underWay >= limits.commandQueue)
      throw new QuarryError("Busy", "too many changes are waiting; try again later");
    if (this.#persister.isStuck) throw this.#persister.refusal();
    this.#underWay++;
    try {
      const { id, answer } = this.#waiting.propose();
      this.#loop.step({ type: "propose", proposal: { id, ...once, data }, within });
      return await answer;
    } finally {
      this.#answered();
    }
  }

  #answered(): void {
    if (--this.#underWay === 0) this.#onDrained?.();
  }

  /** Changes who belongs to the group; resolves when that is decided. Only a leader can. */
  async changeMembers(members: Members): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    const { id, answer } = this.#waiting.propose();
    this.#loop.step({ type: "change", id, members });
    await answer;
  }

  /** All reads that begin in one tick share one confirmation. */
  readBarrier(): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    // Alone: what was acknowledged is applied here, and nobody else can have acknowledged anything.
    if (this.#loop.isAlone) return Promise.resolve();
    return this.#reads.next();
  }

  /** Makes the state durable and cuts the log below it. */
  async checkpoint(): Promise<void> {
    const { applied } = this.#machine;
    await this.#log.flush();
    await this.#options.store.checkpoint();
    this.#loop.step({ type: "compact", index: this.retention.notAfter(applied) });
    await this.#log.cut(this.#raft.status.baseIndex);
  }

  /** Answers what was proposed, makes the state durable and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    const drained = new Promise<void>((resolve) => {
      this.#onDrained = resolve;
      if (this.#underWay === 0 || this.failure !== undefined) resolve();
    });
    // Without a majority of the others nothing is decided.
    if (this.#loop.isAlone) await drained;
    else await endsWithin(this.#options.clock, drained, limits.groupDrainMs);
    this.#isDeaf = true;
    await this.#persister.stop();
    await this.#applier.idle();
    await this.#checkpoints.idle();
    await this.#snapshots[Symbol.asyncDispose]();
    try {
      if (this.failure === undefined) await this.checkpoint();
    } finally {
      this.#loop.stop();
      this.failure ??= closed();
      this.#waiting.fail(this.failure, outcomeUnknown());
      this.#applier.fail(outcomeUnknown());
      await this.#log[Symbol.asyncDispose]();
      await this.#options.store[Symbol.asyncDispose]();
    }
  }

  #handle(outputs: Outputs): void {
    this.#options.send?.(outputs.send);
    if (outputs.persist !== undefined) this.#persister.add(outputs.persist);
    for (const { id, index, term } of outputs.accepted)
      this.#applier.expect(index, term, this.#waiting.accepted(id));
    for (const refusal of outputs.refused) this.#waiting.refused(refusal);
    this.#applier.add(outputs.committed);
    for (const { id, index } of outputs.reads)
      this.#applier.reached(index, (error) => this.#waiting.confirm(id, error));
    for (const id of outputs.failedReads) this.#waiting.confirm(id, noLeader());
    for (const task of outputs.snapshots) this.#snapshots.add(task);
  }

  /** Nothing can be trusted to be applied any more: the nameserver stops (and may restart). */
  #fail(error: unknown): void {
    if (this.failure !== undefined) return;
    const { store, report } = this.#options;
    const mayRejoin = this.#options.mayRejoin?.() === true;
    const failure = failureOf(error, mayRejoin);
    this.failure = failure;
    report(`the nameserver stopped taking changes: ${failure.message}`);
    this.#loop.stop();
    // Others of a group may have what was proposed, and apply it yet.
    const fate = this.#loop.isAlone ? failure : outcomeUnknown();
    this.#waiting.fail(failure, fate);
    this.#applier.fail(fate);
    // Of its files only those of the state are read while it runs.
    const isHarmed = mayRejoin && failure.code === "Damaged";
    const noted = isHarmed ? store.condemn(whatOf(failure)) : Promise.resolve();
    void Promise.allSettled([noted]).then(() => this.#failed.resolve(failure));
  }
}
