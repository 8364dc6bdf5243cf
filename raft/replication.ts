/** Carries the leader's log to the others: batched, pipelined, and no faster than they take it. */
import { assert } from "../base/errors.ts";
import type { LogIndex, NodeId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { advanceCommit } from "./commit.ts";
import { type Core, send } from "./core.ts";
import { entryBytes } from "./entry.ts";
import { peerOf } from "./leader-log.ts";
import type { LeaderRole } from "./leader-role.ts";
import type { MessageOf } from "./message.ts";
import type { Progress } from "./progress.ts";
import { askForPiece } from "./snapshot-send.ts";
import { transferIfReady } from "./transfer.ts";

/** Sends what the others lack; called once for all steps since the last time. */
export function replicate(core: Core, leader: LeaderRole): void {
  for (const [to, peer] of leader.peers) {
    if (peer.state !== "snapshot") appendTo(core, to, peer);
    if (peer.state === "snapshot") askForPiece(core, to, peer);
    // With appends on their way an answer is, too: what is committed goes with what goes then.
    if (peer.isAwaited) continue;
    const known = core.rules.followerCommit(core.commit, peer.match);
    if (known > peer.toldCommit) {
      peer.toldCommit = known;
      send(core, to, { type: "commit", commit: known });
    }
  }
}

function appendTo(core: Core, to: NodeId, peer: Progress): void {
  const { log } = core;
  while (peer.mayAppend && (peer.next <= log.lastIndex || peer.state === "probe")) {
    const previousIndex = (peer.next - 1) as LogIndex;
    const previousTerm = log.termAt(previousIndex);
    if (previousTerm === undefined) {
      peer.needsSnapshot(core.now.steadyMs);
      return;
    }
    const { appendBytes } = core.settings;
    const entries = log.slice(peer.next, log.lastIndex, limits.raftAppendEntries, appendBytes);
    let bytes = 0;
    for (const entry of entries) bytes += entryBytes(entry);
    const { commit } = core;
    send(core, to, { type: "append", previousIndex, previousTerm, commit, entries });
    const last = (previousIndex + entries.length) as LogIndex;
    peer.sent(last, bytes);
    peer.toldCommit = core.rules.followerCommit(commit, last);
  }
}

/** Appends without an answer: ask where the follower is, which finds out what got lost. */
export function probeLoss(core: Core, to: NodeId, peer: Progress): void {
  const previousIndex = (peer.next - 1) as LogIndex;
  const previousTerm = core.log.termAt(previousIndex);
  if (previousTerm === undefined) {
    // What it was sent is not in the log any more, and cannot be asked about.
    peer.probeFrom((peer.match + 1) as LogIndex);
    return;
  }
  const { commit } = core;
  send(core, to, { type: "append", previousIndex, previousTerm, commit, entries: [] });
}

export function handleAppended(core: Core, message: MessageOf<"appended">): void {
  const leader = core.role;
  const peer = peerOf(core, message.from);
  if (leader.kind !== "leader" || peer === undefined) return;
  assert(message.index <= core.log.lastIndex, "a follower holds no more than its leader sent");
  const hadSnapshot = peer.snapshot !== undefined;
  if (peer.acknowledged(message.index)) advanceCommit(core, leader);
  if (hadSnapshot && peer.snapshot === undefined)
    core.outbox.snapshots.push({ type: "release", to: message.from });
  // Committing may have ended the reign.
  if (core.role === leader) transferIfReady(core, leader);
}

export function handleRejected(core: Core, message: MessageOf<"rejected">): void {
  const peer = peerOf(core, message.from);
  if (peer === undefined) return;
  // Above this place the two logs differ, or one of them ends.
  const agreed = core.log.lastOfTermAtMost(message.hintIndex, message.hintTerm);
  // Entries that were cut off cannot be compared: the follower's own word says where it ends.
  const retryFrom = Math.min(agreed.index, message.hintIndex) + 1;
  peer.rejected(message.previousIndex, retryFrom as LogIndex);
}

/** The way to a node broke: what was under way is sent again. */
export function handleUnreachable({ role }: Core, node: NodeId): void {
  const peer = role.kind === "leader" ? role.peers.get(node) : undefined;
  if (peer?.state === "replicate") peer.probeFrom((peer.match + 1) as LogIndex);
}
