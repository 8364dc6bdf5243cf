/** Following: the leader's log is taken over, and acknowledged when it is durable. */
import { assert } from "../base/errors.ts";
import type { LogIndex } from "../base/ids.ts";
import { becomeFollower, type Core, commitTo, send } from "./core.ts";
import type { Entry } from "./entry.ts";
import type { MessageOf } from "./message.ts";
import { hearTarget } from "./recovery.ts";

type FromLeader = MessageOf<"append" | "heartbeat" | "commit" | "snapshotPiece">;

/** The sender leads this term. */
export function hearLeader(core: Core, message: FromLeader): void {
  assert(core.role.kind !== "leader", "a term has one leader");
  if (core.role.kind !== "follower" || core.role.leader !== message.from)
    becomeFollower(core, core.term, message.from);
  core.heardMs = core.now.steadyMs;
  core.electionDueMs = core.heardMs + core.patienceMs;
}

export function handleAppend(core: Core, message: MessageOf<"append">): void {
  hearLeader(core, message);
  // The log is about to be replaced: what it took now would be lost again.
  if (core.receiving?.installing === true) return;
  const { log } = core;
  const { previousIndex, previousTerm, entries } = message;
  if (previousIndex < core.commit) {
    // What is decided is the same everywhere: only entries behind it can be news.
    const known = core.commit - previousIndex;
    if (entries.length > known) takeOver(core, entries.slice(known));
    verify(core, Math.max(core.commit, previousIndex + entries.length) as LogIndex);
  } else if (core.rules.joins(log.termAt(previousIndex), previousTerm)) {
    takeOver(core, entries);
    verify(core, (previousIndex + entries.length) as LogIndex);
  } else {
    const from = previousIndex < log.lastIndex ? previousIndex : log.lastIndex;
    const hint = log.lastOfTermAtMost(from, previousTerm);
    const { index: hintIndex, term: hintTerm } = hint;
    send(core, message.from, { type: "rejected", previousIndex, hintIndex, hintTerm });
    return;
  }
  commitTo(core, core.rules.followerCommit(message.commit, core.verified));
}

/** Puts entries in their places; only what differs is cut off, for the rest may be decided. */
function takeOver(core: Core, entries: readonly Entry[]): void {
  for (const entry of entries) {
    const mine = core.log.termAt(entry.index);
    if (mine === entry.term) continue;
    if (entry.index <= core.log.lastIndex) cutOff(core, entry.index);
    core.log.append(entry);
    core.configurations.appended(entry);
  }
}

function cutOff(core: Core, from: LogIndex): void {
  assert(from > core.commit, "what is decided is never cut off");
  core.log.truncate(from);
  core.persistence.truncated(from);
  core.configurations.truncated(from);
}

/** The log is the leader's up to `index`, which is acknowledged when it is durable. */
function verify(core: Core, index: LogIndex): void {
  if (index > core.verified) core.verified = index;
  core.acknowledgementDue = true;
}

export function handleHeartbeat(core: Core, message: MessageOf<"heartbeat">): void {
  hearLeader(core, message);
  takeCommit(core, message.commit);
  hearTarget(core, message.recovery);
  const { round, sentMs } = message;
  const recovering = core.recovering?.nonce ?? 0;
  send(core, message.from, { type: "heartbeatReply", round, sentMs, recovering });
}

export function handleCommit(core: Core, message: MessageOf<"commit">): void {
  hearLeader(core, message);
  takeCommit(core, message.commit);
}

/**
 * The leader tells no more than this node has acknowledged to it, before a restart perhaps. So a log
 * that is too short lost something; only one that says so may be.
 */
function takeCommit(core: Core, commit: LogIndex): void {
  if (core.receiving?.installing === true) return;
  const lostSome = core.recovering !== undefined;
  commitTo(core, lostSome ? core.rules.followerCommit(commit, core.verified) : commit);
}

/** Answers all appends since the last time at once. */
export function acknowledge(core: Core): void {
  if (!core.acknowledgementDue || core.role.kind !== "follower") return;
  core.acknowledgementDue = false;
  const { id, term, verified } = core;
  core.persistence.sendWhenDurable({
    type: "appended",
    from: id,
    to: core.role.leader,
    term,
    index: verified,
  });
}
