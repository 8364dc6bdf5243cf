/**
 * What the owner has to do after steps, grouped by when it may be done (README.md, "Driving it").
 */
import type { LogIndex, NodeId, Term } from "../base/ids.ts";
import type { Entry, HardState, StateHead } from "./entry.ts";
import type { Message, Piece } from "./message.ts";

export interface Proposal {
  /** The proposer's own name for it; comes back in the answer. */
  readonly id: number;
  readonly session: number;
  readonly sequence: number;
  readonly data: Uint8Array;
}

/**
 * `busy`, `noLeader`, `transferring`, `invalid`: it was not and will not be appended.
 * `unknown`: it went to a leader that did not answer, so it may be applied yet.
 */
export type RefusalReason = "busy" | "noLeader" | "transferring" | "invalid" | "unknown";

export interface Refusal {
  readonly id: number;
  readonly reason: RefusalReason;
  /** For people. */
  readonly message: string;
}

/** To be made durable, in the order of the sequence, each whole before the next. */
export interface Persist {
  /** Reported back as `persisted` when this and all before it are durable. */
  readonly sequence: number;
  readonly hardState: HardState | undefined;
  /** The log is emptied and goes on behind this state, which the owner has installed already. */
  readonly reset: StateHead | undefined;
  /** Appended behind all entries with a lower index; any others in their place are cut off first. */
  readonly entries: readonly Entry[];
  /** These may leave only when this and all before it are durable. */
  readonly thenSend: readonly Message[];
}

/** Work with snapshots, whose content the core does not know. */
export type SnapshotTask =
  /** Read a piece of the state for `to`: of snapshot `id`, or of a new one. Answer: `snapshotPiece`. */
  | {
      readonly type: "read";
      readonly to: NodeId;
      readonly id: number | undefined;
      readonly offset: number;
    }
  /** No more pieces for `to` are needed: what is kept open for it may be closed. */
  | { readonly type: "release"; readonly to: NodeId }
  /** Write a received piece beside the state. Answer: `snapshotStored`, or `snapshotFailed`. */
  | { readonly type: "store"; readonly piece: Piece }
  /**
   * Write the last piece, check the whole, put it in the place of the state, durably; nothing is
   * handed out to be applied meanwhile. Answer: `snapshotInstalled`, or `snapshotFailed`.
   */
  | { readonly type: "install"; readonly piece: Piece }
  /** The received pieces are not needed any more. */
  | { readonly type: "discard"; readonly id: number };

export interface Outputs {
  readonly persist: Persist | undefined;
  /** May leave at once. */
  readonly send: readonly Message[];
  /** To be applied in this order. All are durable in this node's own log. */
  readonly committed: readonly Entry[];
  /** Reads that may be answered from a state that has applied `index`. */
  readonly reads: readonly { readonly id: number; readonly index: LogIndex }[];
  /** Reads that are to be asked for again. */
  readonly failedReads: readonly number[];
  /**
   * Where a proposal stands in the log. It has happened when the entry applied at `index` is of
   * `term`; when it is of another term it has not, and never will.
   */
  readonly accepted: readonly {
    readonly id: number;
    readonly index: LogIndex;
    readonly term: Term;
  }[];
  readonly refused: readonly Refusal[];
  readonly snapshots: readonly SnapshotTask[];
}
