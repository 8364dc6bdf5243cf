/** Leadership changes hands at the leader's wish, without waiting for a timeout. */
import type { NodeId } from "../base/ids.ts";
import { isVoter } from "./configuration.ts";
import { type Core, configurationNow, mayLead, send } from "./core.ts";
import type { LeaderRole } from "./leader-role.ts";

/** Hands over to `to` when that has the whole log; until then no proposals are taken. */
export function beginTransfer(core: Core, to: NodeId): void {
  const leader = core.role;
  if (leader.kind !== "leader" || to === core.id || leader.transfer !== undefined) return;
  const peer = leader.peers.get(to);
  if (peer === undefined || !isVoter(configurationNow(core), to)) return;
  if (peer.recovery !== undefined) return;
  const untilMs = core.now.steadyMs + core.settings.electionMs;
  leader.transfer = { to, untilMs, asked: false };
  transferIfReady(core, leader);
}

export function transferIfReady(core: Core, leader: LeaderRole): void {
  const { transfer } = leader;
  if (transfer === undefined || transfer.asked) return;
  if (leader.peers.get(transfer.to)?.match !== core.log.lastIndex) return;
  transfer.asked = true;
  ask(core, leader, transfer.to);
}

/** After a while the leader goes on: the other may be dead, or have lost its election. */
export function transferTick(core: Core, leader: LeaderRole): void {
  if (leader.transfer !== undefined && core.now.steadyMs >= leader.transfer.untilMs)
    leader.transfer = undefined;
}

/** Before it leaves the group: the best of the rest need not wait for its timeout. */
export function handOver(core: Core, leader: LeaderRole): void {
  const current = configurationNow(core);
  let best: NodeId | undefined;
  for (const [id, peer] of leader.peers) {
    const fit = isVoter(current, id) && peer.recovery === undefined;
    const match = best === undefined ? -1 : (leader.peers.get(best)?.match ?? -1);
    if (fit && peer.match > match) best = id;
  }
  if (best !== undefined) ask(core, leader, best);
}

function ask(core: Core, leader: LeaderRole, to: NodeId): void {
  // The message may arrive late, and nobody protects this leader against the election it begins:
  // the lease is lost for the rest of the term, also when this transfer is given up.
  leader.leaseForfeited = true;
  send(core, to, { type: "timeoutNow" });
}

/** Whether the leader's wish can be followed. */
export const mayTakeOver = (core: Core): boolean => core.role.kind === "follower" && mayLead(core);
