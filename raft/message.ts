/**
 * What nodes tell each other. The owner carries messages; it may lose, repeat, delay and reorder
 * them, but never change one, and only hand on those that nodes of this group sent.
 */
import type { LogIndex, NodeId, Term } from "../base/ids.ts";
import type { Entry, StateHead } from "./entry.ts";
import type { Proposal, RefusalReason } from "./outputs.ts";

interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's; in `preVote` and a granted `preVoteReply` the term that is asked for. */
  readonly term: Term;
}

/** Asks whether an election could be won, without beginning one. */
interface PreVote extends Envelope {
  readonly type: "preVote";
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
}

interface PreVoteReply extends Envelope {
  readonly type: "preVoteReply";
  readonly granted: boolean;
}

interface Vote extends Envelope {
  readonly type: "vote";
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  /** The leader itself asked for this election: nobody needs to protect it. */
  readonly forced: boolean;
}

interface VoteReply extends Envelope {
  readonly type: "voteReply";
  readonly granted: boolean;
}

/** Entries behind one that both have. Without entries: a question whether both have it. */
interface Append extends Envelope {
  readonly type: "append";
  readonly previousIndex: LogIndex;
  readonly previousTerm: Term;
  readonly commit: LogIndex;
  readonly entries: readonly Entry[];
}

/** The sender holds, durably, the leader's log up to `index`. */
interface Appended extends Envelope {
  readonly type: "appended";
  readonly index: LogIndex;
}

/** The sender does not have what the append goes on from. */
interface Rejected extends Envelope {
  readonly type: "rejected";
  readonly previousIndex: LogIndex;
  /** Where the logs may agree at the earliest guess; everything above differs or is missing. */
  readonly hintIndex: LogIndex;
  readonly hintTerm: Term;
}

interface Heartbeat extends Envelope {
  readonly type: "heartbeat";
  /** Never above what the receiver is known to hold. */
  readonly commit: LogIndex;
  readonly round: number;
  /** The leader's steady time; comes back in the reply. */
  readonly sentMs: number;
  /** For a node that lost entries: what it must hold again before it votes (recovery.ts). */
  readonly recovery: Recovery | undefined;
}

export interface Recovery {
  /** Names one start of the recovering node. */
  readonly nonce: number;
  readonly target: LogIndex;
}

interface HeartbeatReply extends Envelope {
  readonly type: "heartbeatReply";
  readonly round: number;
  readonly sentMs: number;
  /** The nonce of a node that lost entries; 0 from a healthy one. */
  readonly recovering: number;
}

/** More is committed. Needs no answer: the next heartbeat says it again. */
interface Commit extends Envelope {
  readonly type: "commit";
  readonly commit: LogIndex;
}

/** Your term is over: mine is later. */
interface Stale extends Envelope {
  readonly type: "stale";
}

interface SnapshotPiece extends Envelope {
  readonly type: "snapshotPiece";
  readonly piece: Piece;
}

/** A part of a state, as bytes that only owners understand. */
export interface Piece {
  /** Names one snapshot: chosen by the leader's owner, never used again. */
  readonly id: number;
  readonly head: StateHead;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly last: boolean;
}

/** Of snapshot `id` everything before `offset` is stored. */
interface SnapshotReply extends Envelope {
  readonly type: "snapshotReply";
  readonly id: number;
  readonly offset: number;
}

/** Begin an election now: I hand over. */
interface TimeoutNow extends Envelope {
  readonly type: "timeoutNow";
}

interface Propose extends Envelope {
  readonly type: "propose";
  readonly proposals: readonly Proposal[];
}

interface ProposeReply extends Envelope {
  readonly type: "proposeReply";
  readonly accepted: readonly AcceptedProposal[];
  readonly refused: readonly { readonly id: number; readonly reason: RefusalReason }[];
}

export interface AcceptedProposal {
  readonly id: number;
  readonly index: LogIndex;
  readonly term: Term;
}

/** Asks for an index that contains everything acknowledged before now. */
interface Read extends Envelope {
  readonly type: "read";
  /** Names the request, also across restarts of the sender. */
  readonly batch: number;
}

interface ReadReply extends Envelope {
  readonly type: "readReply";
  readonly batch: number;
  /** Undefined: this node cannot tell. */
  readonly index: LogIndex | undefined;
}

export type Message =
  | PreVote
  | PreVoteReply
  | Vote
  | VoteReply
  | Append
  | Appended
  | Rejected
  | Heartbeat
  | HeartbeatReply
  | Commit
  | Stale
  | SnapshotPiece
  | SnapshotReply
  | TimeoutNow
  | Propose
  | ProposeReply
  | Read
  | ReadReply;

/** The message of one type. */
export type MessageOf<Type extends Message["type"]> = Extract<Message, { type: Type }>;
