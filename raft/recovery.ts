/**
 * A node whose log lost entries that it may have acknowledged has no vote until it holds again all
 * that it can have acknowledged. README.md ("A damaged log") has the argument. In short:
 *
 * It tells each leader that it recovers, under a nonce of this start. The leader of term t answers
 * with its last index, taken after that. What the node acknowledged before the damage is then either
 * of an earlier term, and so in this leader's log if it ever counted; or of term t, and so not above
 * that index. A node whose log is durably the leader's up to there has lost nothing that counts.
 *
 * It needs its term and vote: without these it must come back as another node.
 */
import type { LogIndex, NodeId } from "../base/ids.ts";
import { type Core, hardStateOf } from "./core.ts";
import type { Recovery } from "./message.ts";
import type { Progress } from "./progress.ts";

export interface Recovering {
  /** Not 0; differs from start to start, so that no answer to an earlier one is taken. */
  readonly nonce: number;
  /** Of the leader of the current term; undefined until that has named one. */
  target: LogIndex | undefined;
}

/** The leader hears a node that may have lost entries (0: it has not). */
export function noteRecovery(core: Core, from: NodeId, peer: Progress, nonce: number): void {
  if (nonce === (peer.recovery?.nonce ?? 0)) return;
  if (nonce === 0) {
    peer.recovery = undefined;
    return;
  }
  if (peer.snapshot !== undefined) core.outbox.snapshots.push({ type: "release", to: from });
  peer.restarted({ nonce, target: core.log.lastIndex });
}

/** The leader of this term says what must be held. */
export function hearTarget(core: Core, recovery: Recovery | undefined): void {
  if (core.recovering === undefined || recovery?.nonce !== core.recovering.nonce) return;
  core.recovering.target = recovery.target;
}

/** Ends the recovery when everything is there; the vote returns when that is durable. */
export function endRecovery(core: Core): void {
  const { recovering, verified, persistence } = core;
  if (recovering?.target === undefined || core.role.kind !== "follower") return;
  if (!core.rules.hasRecovered(verified, persistence.durableIndex, recovering.target)) return;
  core.recovering = undefined;
  core.persistence.stageHardState(hardStateOf(core));
}
