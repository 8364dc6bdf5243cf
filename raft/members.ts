/**
 * Changes of the members: one at a time, each through a joint configuration, which the leader leaves
 * by itself as soon as it is committed.
 */
import { QuarryError } from "../base/errors.ts";
import type { NodeId } from "../base/ids.ts";
import {
  beginChange,
  completeChange,
  isJoint,
  isMember,
  isVoter,
  type Members,
} from "./configuration.ts";
import { becomeFollower, type Core, configurationNow, send } from "./core.ts";
import { NOBODY } from "./entry.ts";
import { appendConfiguration } from "./leader-log.ts";
import type { LeaderRole } from "./leader-role.ts";
import { handOver } from "./transfer.ts";

export function changeMembers(core: Core, id: number, members: Members): void {
  const refuse = (reason: "busy" | "noLeader" | "invalid", message: string) =>
    core.outbox.refused.push({ id, reason, message });
  const leader = core.role;
  if (leader.kind !== "leader") {
    refuse("noLeader", "only the leader changes the members; ask it");
    return;
  }
  const obstacle = obstacleTo(core, leader, members);
  if (obstacle !== undefined) {
    refuse("busy", obstacle);
    return;
  }
  try {
    const next = beginChange(configurationNow(core), members);
    const { index, term } = appendConfiguration(core, leader, next);
    core.outbox.accepted.push({ id, index, term });
  } catch (error) {
    if (!(error instanceof QuarryError)) throw error;
    refuse("invalid", error.message);
  }
}

function obstacleTo(core: Core, leader: LeaderRole, members: Members): string | undefined {
  // Before its first commit a leader may not know of a change that is decided already.
  if (!core.rules.knowsCommit(core.commit, leader.termStart))
    return "the leader has just begun; try again in a moment";
  const current = configurationNow(core);
  if (core.configurations.currentIndex > core.commit || isJoint(current))
    return "another change of the members is under way; try again when it is done";
  for (const id of members.voters) {
    if (leader.peers.get(id)?.recovery !== undefined)
      return `node ${id} has lost entries and has no vote until it recovers; wait, or remove it`;
    if (isVoter(current, id) || id === core.id) continue;
    // One that lacks the log would be counted on before it can hold anything.
    if (leader.peers.get(id)?.isCaughtUp(core.log.lastIndex) !== true)
      return `node ${id} has not caught up yet; let it learn first, then try again`;
  }
  return undefined;
}

/** More was committed: perhaps the entry that the current configuration came with. */
export function membersDecided(core: Core, leader: LeaderRole): void {
  if (core.configurations.currentIndex > core.commit) return;
  const current = configurationNow(core);
  if (isJoint(current)) {
    appendConfiguration(core, leader, completeChange(current));
    return;
  }
  for (const id of leader.peers.keys()) if (!isMember(current, id)) dismiss(core, leader, id);
  // It managed the group until its own leaving was decided; now it belongs to others.
  if (isVoter(current, core.id)) return;
  handOver(core, leader);
  becomeFollower(core, core.term, NOBODY);
}

/** A former member is told, once, that it is; it may hear it or not. */
function dismiss(core: Core, leader: LeaderRole, id: NodeId): void {
  const peer = leader.peers.get(id);
  if (peer === undefined) return;
  const commit = core.rules.followerCommit(core.commit, peer.match);
  if (commit > peer.toldCommit) send(core, id, { type: "commit", commit });
  if (peer.snapshot !== undefined) core.outbox.snapshots.push({ type: "release", to: id });
  leader.peers.delete(id);
}
