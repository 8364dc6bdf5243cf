/** What the log holds, and what stands for the part of it that was cut off. */
import type { LogIndex, NodeId, Term } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { Configuration } from "./configuration.ts";

/** `nothing` opens a leader's term: committing it commits all before it. */
export type EntryKind = "command" | "configuration" | "nothing";

export interface Entry {
  readonly index: LogIndex;
  readonly term: Term;
  /** The leader's wall time, never lower than that of the entry before. */
  readonly timeMs: number;
  readonly kind: EntryKind;
  /** Who proposed it (sessions.ts); 0 without a session. The core does not look at it. */
  readonly session: number;
  readonly sequence: number;
  /** A command, opaque; or a configuration (configuration-codec.ts). */
  readonly data: Uint8Array;
}

/** The end of what a state contains: all that a log needs to go on behind it. */
export interface StateHead {
  readonly index: LogIndex;
  readonly term: Term;
  readonly timeMs: number;
  /** The latest configuration at or before `index`. */
  readonly configuration: Configuration;
}

/** What must outlive a crash beside the log. Kept apart from it, with a check of its own. */
export interface HardState {
  readonly term: Term;
  /** Who has this node's vote in `term`; {@link NOBODY} while it is free. */
  readonly vote: NodeId;
  /** The log lost entries that this node may have acknowledged (recovery.ts). */
  readonly mustNotVote: boolean;
}

export const NOBODY: NodeId = 0 as NodeId;
export const NO_INDEX: LogIndex = 0 as LogIndex;
export const NO_TERM: Term = 0 as Term;
export const NO_DATA: Uint8Array = new Uint8Array(0);

/** The state before the first entry. Founders give the members; a node that joins knows none. */
export function emptyState(configuration: Configuration): StateHead {
  return { index: NO_INDEX, term: NO_TERM, timeMs: 0, configuration };
}

/** What an entry costs in memory and on the way, bytes. */
export function entryBytes(entry: Pick<Entry, "data">): number {
  return entry.data.length + limits.raftEntryOverheadBytes;
}
