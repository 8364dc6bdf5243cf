/** Who could lead next, and how many voters there are to rely on. */
import type { NodeId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Status } from "../../raft/raft.ts";

/** Whoever was not heard for so long is not counted on. */
export const SILENT_MS = 1_000;

/** The other voter that has most of the log. */
export function heirOf({ peers, configuration }: Status, nowMs?: number): NodeId | undefined {
  const [best] = peers
    .filter(({ id, isRecovering }) => configuration.voters.includes(id) && !isRecovering)
    .filter(({ contactMs }) => nowMs === undefined || nowMs - contactMs < SILENT_MS)
    .toSorted((a, b) => b.match - a.match);
  return best?.id;
}

/** Of these voters those that have a vote and were heard by the leader since then, itself included. */
export function reachable(
  { id: self, peers }: Status,
  voters: readonly NodeId[],
  sinceMs: number,
): NodeId[] {
  return voters.filter((voter) => {
    const peer = peers.find(({ id }) => id === voter);
    return voter === self || (peer !== undefined && !peer.isRecovering && peer.contactMs > sinceMs);
  });
}

/** Whether the leader may count on this one: it holds nearly all of the log. */
export function isCaughtUp({ lastIndex, peers }: Status, node: NodeId): boolean {
  const peer = peers.find(({ id }) => id === node);
  if (peer === undefined || peer.state !== "replicate" || peer.isRecovering) return false;
  return lastIndex - peer.match <= limits.raftPromotionLag;
}
