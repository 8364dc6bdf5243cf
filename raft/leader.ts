/** Leading: office is taken, kept with heartbeats, and given up when no majority answers. */
import { assert } from "../base/errors.ts";
import type { LogIndex } from "../base/ids.ts";
import { becomeFollower, type Core } from "./core.ts";
import { entryBytes, NOBODY } from "./entry.ts";
import { appendOwn, peerOf, syncPeers } from "./leader-log.ts";
import { LeaderRole } from "./leader-role.ts";
import type { MessageOf } from "./message.ts";
import { beginReads, confirmReads } from "./reads.ts";
import { noteRecovery } from "./recovery.ts";
import { probeLoss, replicate } from "./replication.ts";
import { beginRound, majorityHeardMs } from "./rounds.ts";
import { transferTick } from "./transfer.ts";

export function becomeLeader(core: Core): void {
  assert(core.role.kind === "candidate", "only a candidate becomes leader");
  const { log, commit } = core;
  const leader = new LeaderRole((log.lastIndex + 1) as LogIndex, core.now.steadyMs);
  core.role = leader;
  for (const entry of log.slice((commit + 1) as LogIndex, log.lastIndex))
    leader.uncommittedBytes += entryBytes(entry);
  syncPeers(core, leader);
  appendOwn(core, leader, "nothing");
}

/** Time passes for a leader. */
export function leaderTick(core: Core, leader: LeaderRole): void {
  const nowMs = core.now.steadyMs;
  if (nowMs - majorityHeardMs(core, leader) >= core.settings.electionMs) {
    // Without a majority it serves nobody, and those it still reaches wait for it in vain.
    becomeFollower(core, core.term, NOBODY);
    return;
  }
  transferTick(core, leader);
  if (nowMs >= leader.heartbeatDueMs) beginRound(core, leader);
}

/** Sends what the steps since the last time made necessary. */
export function leaderFlush(core: Core, leader: LeaderRole): void {
  replicate(core, leader);
  beginReads(core, leader);
}

export function handleHeartbeatReply(core: Core, message: MessageOf<"heartbeatReply">): void {
  const leader = core.role;
  const peer = peerOf(core, message.from);
  if (leader.kind !== "leader" || peer === undefined) return;
  noteRecovery(core, message.from, peer, message.recovering);
  if (message.round > peer.round) {
    peer.round = message.round;
    peer.roundSentMs = message.sentMs;
  }
  if (peer.heard()) probeLoss(core, message.from, peer);
  confirmReads(core, leader);
}
