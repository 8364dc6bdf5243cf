/**
 * One node of a Raft group, without clock, disk, network or chance of its own: inputs go in with
 * `step`, what is to be done comes out of `take`. README.md says how to drive it, and why it is safe.
 */
import { assert, unreachable } from "../base/errors.ts";
import type { LogIndex, NodeId, Term } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { advanceCommit } from "./commit.ts";
import { compact } from "./compaction.ts";
import type { Configuration } from "./configuration.ts";
import { type Core, configurationNow, leaderOf } from "./core.ts";
import { ownVoteIsDurable, standForElection } from "./election.ts";
import type { Entry } from "./entry.ts";
import { acknowledge } from "./follower.ts";
import type { Input, Now } from "./input.ts";
import { leaderFlush, leaderTick } from "./leader.ts";
import { changeMembers } from "./members.ts";
import type { Outputs } from "./outputs.ts";
import type { FlowState } from "./progress.ts";
import { propose } from "./proposals.ts";
import { read } from "./reads.ts";
import { receive } from "./receive.ts";
import { endRecovery } from "./recovery.ts";
import { handleUnreachable } from "./replication.ts";
import { hasLease } from "./rounds.ts";
import type { Start } from "./settings.ts";
import { pieceStored, snapshotFailed, snapshotInstalled } from "./snapshot-receive.ts";
import { takePiece } from "./snapshot-send.ts";
import { startCore } from "./start.ts";
import { beginTransfer } from "./transfer.ts";

/** For people and their programs. */
export interface Status {
  readonly id: NodeId;
  readonly role: Core["role"]["kind"];
  readonly term: Term;
  readonly vote: NodeId;
  /** 0 while none is known. Who has no vote holds on to a leader that is silent: see `heardMs`. */
  readonly leader: NodeId;
  /** When a leader was last heard, on this node's steady clock; -Infinity: never. */
  readonly heardMs: number;
  readonly commit: LogIndex;
  /** Entries up to this one are not in memory: the owner's log may be cut there, not above. */
  readonly baseIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly durableIndex: LogIndex;
  readonly configuration: Configuration;
  readonly mustNotVote: boolean;
  /** Of a leader: everybody else. */
  readonly peers: readonly {
    readonly id: NodeId;
    readonly match: LogIndex;
    readonly state: FlowState;
    /** When it was last heard, on the leader's steady clock. */
    readonly contactMs: number;
    readonly isRecovering: boolean;
  }[];
  /** To whom leadership is being handed over. */
  readonly transferTo: NodeId | undefined;
}

export class Raft {
  readonly #core: Core;

  constructor(start: Start) {
    this.#core = startCore(start);
  }

  /** Takes one input. What comes of it is gathered for {@link take}. */
  step(now: Now, input: Input): void {
    const core = this.#core;
    assert(now.steadyMs >= core.now.steadyMs, "a steady clock does not go back");
    core.now = now;
    // Before anything else, so that whoever slept acts on nothing that expired meanwhile.
    passTime(core);
    handle(core, input);
  }

  /**
   * What is to be done after the steps so far; undefined when nothing (more) is. Steps that are
   * taken together share messages, writes and confirmations of reads.
   */
  take(): Outputs | undefined {
    const core = this.#core;
    if (core.role.kind === "leader") leaderFlush(core, core.role);
    core.forwarding.flush(core);
    endRecovery(core);
    acknowledge(core);
    const persist = core.persistence.take(core.outbox.send);
    const committed = this.#takeCommitted();
    if (persist === undefined && committed.length === 0 && core.outbox.isEmpty) return undefined;
    return { persist, committed, ...core.outbox.take() };
  }

  /** True as long as, by the clock, nobody else can lead: a read that was begun may be answered. */
  leaseHolds(now: Now): boolean {
    const core = this.#core;
    core.now = now;
    return core.role.kind === "leader" && hasLease(core, core.role);
  }

  /** Entries of the log behind `after`, up to `through`; undefined when some were cut off already. */
  entriesAfter(after: LogIndex, through: LogIndex, maxBytes: number): readonly Entry[] | undefined {
    const { log } = this.#core;
    if (after < log.baseIndex) return undefined;
    return log.slice((after + 1) as LogIndex, through, Infinity, maxBytes);
  }

  get status(): Status {
    const core = this.#core;
    const { id, role, term, vote, commit, log, persistence, recovering } = core;
    const leading = role.kind === "leader" ? role : undefined;
    return {
      id,
      role: role.kind,
      term,
      vote,
      leader: leaderOf(core),
      heardMs: core.heardMs,
      commit,
      baseIndex: log.baseIndex,
      lastIndex: log.lastIndex,
      durableIndex: persistence.durableIndex,
      configuration: configurationNow(core),
      mustNotVote: recovering !== undefined,
      peers: [...(leading?.peers ?? [])].map(([peer, { match, state, contactMs, recovery }]) => ({
        id: peer,
        match,
        state,
        contactMs,
        isRecovering: recovery !== undefined,
      })),
      transferTo: leading?.transfer?.to,
    };
  }

  /** Decided entries that are durable here as well, in order, a bounded number at a time. */
  #takeCommitted(): readonly Entry[] {
    const core = this.#core;
    const { commit, handedOut, persistence, log } = core;
    const through = Math.min(commit, persistence.durableIndex) as LogIndex;
    // While a state is being installed, nothing is applied to the one that it replaces.
    if (through <= handedOut || core.receiving?.installing === true) return [];
    const from = (handedOut + 1) as LogIndex;
    const entries = log.slice(from, through, limits.raftCommittedEntries);
    core.handedOut = (handedOut + entries.length) as LogIndex;
    return entries;
  }
}

function passTime(core: Core): void {
  core.forwarding.tick(core);
  if (core.role.kind === "leader") leaderTick(core, core.role);
  else if (core.now.steadyMs >= core.electionDueMs) standForElection(core);
}

function handle(core: Core, input: Input): void {
  switch (input.type) {
    case "tick":
      return;
    case "message":
      receive(core, input.message);
      return;
    case "persisted":
      persisted(core, input.sequence);
      return;
    case "propose":
      propose(core, input.proposal, input.within);
      return;
    case "read":
      read(core, input.id);
      return;
    case "change":
      changeMembers(core, input.id, input.members);
      return;
    case "transfer":
      beginTransfer(core, input.to);
      return;
    case "campaign":
      // An election that has begun is not begun again before its time; asking about one is.
      if (core.role.kind === "follower" || core.role.kind === "preCandidate")
        standForElection(core);
      return;
    case "compact":
      compact(core, input.index);
      return;
    case "unreachable":
      handleUnreachable(core, input.node);
      return;
    case "snapshotPiece":
      takePiece(core, input.to, input.piece);
      return;
    case "snapshotStored":
      pieceStored(core, input.id);
      return;
    case "snapshotInstalled":
      snapshotInstalled(core, input.id);
      return;
    case "snapshotFailed":
      snapshotFailed(core, input.id);
      return;
    default:
      unreachable(input);
  }
}

function persisted(core: Core, sequence: number): void {
  const ownVote = core.persistence.persisted(sequence);
  if (ownVote !== undefined) ownVoteIsDurable(core, ownVote);
  if (core.role.kind === "leader") advanceCommit(core, core.role);
}
