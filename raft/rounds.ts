/** Rounds of heartbeats: their answers keep the leader in office, confirm reads and extend the lease. */
import { type Core, configurationNow, send } from "./core.ts";
import type { LeaderRole } from "./leader-role.ts";
import { quorumValue } from "./quorum.ts";

/** Heartbeats to everybody; the answers say that this node still led when they were sent. */
export function beginRound(core: Core, leader: LeaderRole): void {
  const sentMs = core.now.steadyMs;
  leader.round++;
  leader.heartbeatDueMs = sentMs + core.settings.heartbeatMs;
  const { round } = leader;
  for (const [to, { match, recovery }] of leader.peers) {
    const commit = core.rules.followerCommit(core.commit, match);
    send(core, to, { type: "heartbeat", commit, round, sentMs, recovery });
  }
}

/** The last round that a majority has answered. */
export function answeredRound(core: Core, leader: LeaderRole): number {
  return quorumValue(configurationNow(core), core.rules, (id) =>
    id === core.id ? leader.round : (leader.peers.get(id)?.round ?? 0),
  );
}

/** When a majority last gave a sign, on the leader's clock. */
export function majorityHeardMs(core: Core, leader: LeaderRole): number {
  return quorumValue(configurationNow(core), core.rules, (id) =>
    id === core.id ? core.now.steadyMs : (leader.peers.get(id)?.contactMs ?? -Infinity),
  );
}

/** Whether, as the clocks have it, a majority lets nobody else lead at this moment. */
export function hasLease(core: Core, leader: LeaderRole): boolean {
  const { clockDrift, electionMs, reads } = core.settings;
  if (reads !== "lease") return false;
  if (leader.leaseForfeited && !core.rules.leaseOutlivesTransfer) return false;
  const nowMs = core.now.steadyMs;
  const sentMs = quorumValue(configurationNow(core), core.rules, (id) =>
    id === core.id ? nowMs : (leader.peers.get(id)?.roundSentMs ?? -Infinity),
  );
  return nowMs < core.rules.leaseEndMs(sentMs, electionMs, clockDrift);
}
