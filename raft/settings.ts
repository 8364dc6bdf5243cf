/** What a node is started with. */
import type { NodeId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { Entry, HardState, StateHead } from "./entry.ts";
import type { Rules } from "./rules.ts";

export interface Settings {
  /** Silence after which a follower stands for election: this, or up to twice as long by chance. */
  readonly electionMs: number;
  /** How often a leader gives a sign; a small part of `electionMs`. */
  readonly heartbeatMs: number;
  /**
   * `quorum`: a leader asks a majority before each batch of reads. `lease`: it relies on clocks that
   * run at the same pace, but for `clockDrift`.
   */
  readonly reads: "quorum" | "lease";
  /** How much a clock may run fast or slow, as a share (0.01: one percent). */
  readonly clockDrift: number;
  /** Entries of one append message, unless a single one is larger. */
  readonly appendBytes: number;
  /** Log kept for followers that lag, though the state no longer needs it. */
  readonly retainBytes: number;
}

export const defaultSettings: Settings = {
  electionMs: 1_000,
  heartbeatMs: 100,
  reads: "quorum",
  clockDrift: 0.01,
  appendBytes: limits.raftAppendBytes,
  retainBytes: limits.raftRetainBytes,
};

/** What was found at a start. */
export interface Start {
  readonly id: NodeId;
  readonly settings: Settings;
  /** A uniform integer in 0 … 2^32-1. */
  readonly random: () => number;
  readonly nowMs: number;
  /** The last that was made durable; undefined at the very first start. */
  readonly hardState: HardState | undefined;
  /** The applied state, as of its last entry. */
  readonly state: StateHead;
  /** What goes before the first of `entries`: where the log was cut. */
  readonly base: Pick<StateHead, "index" | "term" | "timeMs">;
  /** The log, durable, without gaps. */
  readonly entries: readonly Entry[];
  /** For tests only (rules.ts). */
  readonly rules?: Rules;
}
