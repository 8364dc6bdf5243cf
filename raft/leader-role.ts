/** What a node knows only while it leads. */
import type { LogIndex, NodeId } from "../base/ids.ts";
import type { Core } from "./core.ts";
import type { Progress } from "./progress.ts";

/** A read that waits: the owner's id, or the batch of the follower that asked. */
export interface WaitingRead {
  readonly from: NodeId;
  readonly id: number;
}

/** Reads that one round of heartbeats confirms, all at one index. */
export interface ReadRound {
  readonly round: number;
  readonly index: LogIndex;
  readonly reads: readonly WaitingRead[];
}

export interface Transfer {
  readonly to: NodeId;
  /** When the leader gives up waiting and takes proposals again. */
  readonly untilMs: number;
  asked: boolean;
}

export class LeaderRole {
  readonly kind = "leader";
  /** Everybody else who gets the log; also who is leaving, until that is committed. */
  readonly peers: Map<NodeId, Progress> = new Map();
  /** The entry that opened the term: once it is committed, so is everything before it. */
  readonly termStart: LogIndex;
  /** Rounds of heartbeats, counted. */
  round = 0;
  heartbeatDueMs: number;
  uncommittedBytes = 0;
  /** Another was asked to take over, and may do so at any time from then on. */
  leaseForfeited = false;
  transfer: Transfer | undefined;
  waitingReads: WaitingRead[] = [];
  readRounds: ReadRound[] = [];

  constructor(termStart: LogIndex, nowMs: number) {
    this.termStart = termStart;
    this.heartbeatDueMs = nowMs;
  }

  /** Leads no more: what only a leader can finish ends here. */
  resign({ id, outbox }: Core): void {
    const waiting = [...this.readRounds.flatMap(({ reads }) => reads), ...this.waitingReads];
    for (const read of waiting) if (read.from === id) outbox.failedReads.push(read.id);
    for (const [to, { snapshot }] of this.peers)
      if (snapshot !== undefined) outbox.snapshots.push({ type: "release", to });
  }
}
