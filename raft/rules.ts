/**
 * The decisions that safety hangs on, each a small pure function. They stand here together so that
 * they can be read together, and so that a test can put a wrong one in the place of each and show
 * that the checks find it (mutations.test.ts). Nothing but a test passes others.
 */
import type { LogIndex, NodeId, Term } from "../base/ids.ts";
import type { Configuration } from "./configuration.ts";
import { NOBODY } from "./entry.ts";

interface Position {
  readonly term: Term;
  readonly index: LogIndex;
}

export interface Rules {
  /** How many of `count` decide. */
  readonly majority: (count: number) => number;
  /** The groups of voters of which each must agree. */
  readonly electorates: (configuration: Configuration) => readonly (readonly NodeId[])[];
  /** Whether a vote can go to `candidate` when `given` has it in this term. */
  readonly voteIsFree: (given: NodeId, candidate: NodeId) => boolean;
  /** Whether a candidate whose log ends at `theirs` lacks nothing that a log ending at `mine` has. */
  readonly isUpToDate: (theirs: Position, mine: Position) => boolean;
  /** Whether a node that lost acknowledged entries has a vote. */
  readonly mayVote: (mustNotVote: boolean) => boolean;
  /** Whether a majority that holds an entry of `entryTerm` commits it for a leader of `term`. */
  readonly commits: (entryTerm: Term, term: Term) => boolean;
  /** Up to where a leader counts itself among those that hold an entry. */
  readonly ownMatch: (durable: LogIndex, last: LogIndex) => LogIndex;
  /** What a follower commits that shares the leader's log up to `verified`. */
  readonly followerCommit: (leaderCommit: LogIndex, verified: LogIndex) => LogIndex;
  /** Whether a log that has `mine` at an index continues one that has `theirs` there. */
  readonly joins: (mine: Term | undefined, theirs: Term) => boolean;
  /** Whether the leader may read its commit index: only after committing in its own term. */
  readonly knowsCommit: (commit: LogIndex, termStart: LogIndex) => boolean;
  /** Whether a majority that answered `acknowledged` confirms reads of `round`. */
  readonly confirmsRead: (acknowledged: number, round: number) => boolean;
  /** Whether a leader heard at `heardMs` is still to be protected from elections. */
  readonly isHeard: (heardMs: number, nowMs: number, electionMs: number) => boolean;
  /** Until when a majority that heard heartbeats sent at `sentMs` lets nobody else lead. */
  readonly leaseEndMs: (sentMs: number, electionMs: number, clockDrift: number) => number;
  /** Whether a lease counts in a term in which the leader has asked another to take over. */
  readonly leaseOutlivesTransfer: boolean;
  /** Whether a start counts as having heard a leader: this node may have promised one its patience. */
  readonly startsPatient: boolean;
  /** Whether a node that lost entries has again all that it can have acknowledged. */
  readonly hasRecovered: (verified: LogIndex, durable: LogIndex, target: LogIndex) => boolean;
}

export const rules: Rules = {
  majority: (count) => Math.floor(count / 2) + 1,
  electorates: ({ voters, outgoing }) => (outgoing.length === 0 ? [voters] : [voters, outgoing]),
  voteIsFree: (given, candidate) => given === NOBODY || given === candidate,
  isUpToDate: (theirs, mine) =>
    theirs.term > mine.term || (theirs.term === mine.term && theirs.index >= mine.index),
  mayVote: (mustNotVote) => !mustNotVote,
  commits: (entryTerm, term) => entryTerm === term,
  ownMatch: (durable) => durable,
  followerCommit: (leaderCommit, verified) => (leaderCommit < verified ? leaderCommit : verified),
  joins: (mine, theirs) => mine === theirs,
  knowsCommit: (commit, termStart) => commit >= termStart,
  confirmsRead: (acknowledged, round) => acknowledged >= round,
  isHeard: (heardMs, nowMs, electionMs) => nowMs - heardMs < electionMs,
  // The followers' clocks may run fast by the drift, this one slow.
  leaseEndMs: (sentMs, electionMs, clockDrift) =>
    sentMs + (electionMs * (1 - clockDrift)) / (1 + clockDrift),
  leaseOutlivesTransfer: false,
  startsPatient: true,
  hasRecovered: (verified, durable, target) => verified >= target && durable >= target,
};
