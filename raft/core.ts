/**
 * The state of one node, and the few changes of it that all parts share. Parts are functions over
 * it, one file for each: elections, replication, reads, members, snapshots, recovery.
 */
import { assert } from "../base/errors.ts";
import type { LogIndex, NodeId, Term } from "../base/ids.ts";
import type { Configuration } from "./configuration.ts";
import type { ConfigurationHistory } from "./configuration-history.ts";
import { type HardState, NO_INDEX, NOBODY } from "./entry.ts";
import type { Forwarding } from "./forwarding.ts";
import type { Now } from "./input.ts";
import type { LeaderRole } from "./leader-role.ts";
import type { Message } from "./message.ts";
import type { Outbox } from "./outbox.ts";
import type { Persistence } from "./persistence.ts";
import type { RaftLog } from "./raft-log.ts";
import type { Recovering } from "./recovery.ts";
import type { Rules } from "./rules.ts";
import type { Settings } from "./settings.ts";
import type { Receiving } from "./snapshot-receive.ts";

export interface FollowerRole {
  readonly kind: "follower";
  /** {@link NOBODY} while no leader of this term is known. */
  readonly leader: NodeId;
}

export interface CandidateRole {
  /** A pre-candidate asks whether it could win; its term stays as it is. */
  readonly kind: "preCandidate" | "candidate";
  readonly forced: boolean;
  readonly votes: Map<NodeId, boolean>;
}

export type Role = FollowerRole | CandidateRole | LeaderRole;

export interface Core {
  readonly id: NodeId;
  readonly settings: Settings;
  readonly rules: Rules;
  readonly random: () => number;
  readonly log: RaftLog;
  readonly configurations: ConfigurationHistory;
  readonly persistence: Persistence;
  readonly outbox: Outbox;
  readonly forwarding: Forwarding;
  now: Now;
  term: Term;
  vote: NodeId;
  role: Role;
  /** Everything up to here is decided. */
  commit: LogIndex;
  /** Everything up to here was handed out to be applied, or is in the state. */
  handedOut: LogIndex;
  /** Up to here the log is known to be that of this term's leader. */
  verified: LogIndex;
  /** The leader waits to hear how far that is. */
  acknowledgementDue: boolean;
  /** When this node last heard a leader of its term. */
  heardMs: number;
  /** How long it waits for a leader, drawn anew for each election, and when that is over. */
  patienceMs: number;
  electionDueMs: number;
  /** This node lost entries that it may have acknowledged (recovery.ts). */
  recovering: Recovering | undefined;
  receiving: Receiving | undefined;
}

export const configurationNow = (core: Core): Configuration => core.configurations.current;

/** The leader that this node knows of; itself, if so. */
export function leaderOf({ id, role }: Core): NodeId {
  switch (role.kind) {
    case "leader":
      return id;
    case "follower":
      return role.leader;
    default:
      return NOBODY;
  }
}

export function hardStateOf({ term, vote, recovering }: Core): HardState {
  return { term, vote, mustNotVote: recovering !== undefined };
}

/** A message body with its addresses; the term is the own one. */
type Body<M> = M extends Message ? Omit<M, "from" | "to" | "term"> : never;

export function send(core: Core, to: NodeId, body: Body<Message>): void {
  core.outbox.send.push({ ...body, from: core.id, to, term: core.term } as Message);
}

export function sendWhenDurable(core: Core, to: NodeId, body: Body<Message>): void {
  core.persistence.sendWhenDurable({ ...body, from: core.id, to, term: core.term } as Message);
}

/** Follows `leader` (or nobody yet) in `term`. */
export function becomeFollower(core: Core, term: Term, leader: NodeId): void {
  assert(term >= core.term, "terms do not go back");
  const before = leaderOf(core);
  if (core.role.kind === "leader") core.role.resign(core);
  if (term > core.term) enterTerm(core, term, NOBODY);
  core.role = { kind: "follower", leader };
  if (leader !== before) core.forwarding.leaderChanged(core);
  putOffElection(core);
}

/** A later term, in which `vote` has this node's vote. */
export function enterTerm(core: Core, term: Term, vote: NodeId): void {
  core.term = term;
  core.vote = vote;
  core.verified = NO_INDEX;
  core.acknowledgementDue = false;
  if (core.recovering !== undefined) core.recovering.target = undefined;
  core.persistence.stageHardState(hardStateOf(core));
}

export function putOffElection(core: Core): void {
  const { electionMs } = core.settings;
  const chance = core.random() / 2 ** 32;
  core.patienceMs = electionMs + Math.floor(chance * electionMs);
  core.electionDueMs = core.now.steadyMs + core.patienceMs;
}

/** Whether this node can lead. Others may ask for its vote even if not: they may know more. */
export function mayLead(core: Core): boolean {
  const isFit =
    core.rules.mayVote(core.recovering !== undefined) && core.receiving?.installing !== true;
  return isFit && core.configurations.mayBeVoter(core.id);
}

/** Everything up to `index` is decided. */
export function commitTo(core: Core, index: LogIndex): void {
  if (index <= core.commit) return;
  assert(index <= core.log.lastIndex, "this log lost entries that it had acknowledged");
  core.commit = index;
  core.configurations.settled(index);
}
