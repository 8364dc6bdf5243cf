/**
 * Linearizable reads without an entry in the log: the leader's commit index, taken after the read
 * was asked for and confirmed by a majority to be that of the leader, contains all that was
 * acknowledged before. One round of heartbeats confirms all reads that wait.
 */
import type { LogIndex, NodeId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { type Core, send } from "./core.ts";
import type { LeaderRole, WaitingRead } from "./leader-role.ts";
import type { MessageOf } from "./message.ts";
import { answeredRound, beginRound, hasLease } from "./rounds.ts";

/** The owner asks. */
export function read(core: Core, id: number): void {
  if (core.role.kind === "leader") take(core, core.role, { from: core.id, id });
  else core.forwarding.read(core, id);
}

/** A follower asks for all its readers. */
export function handleRead(core: Core, message: MessageOf<"read">): void {
  const { from, batch } = message;
  if (core.role.kind === "leader") take(core, core.role, { from, id: batch });
  else send(core, from, { type: "readReply", batch, index: undefined });
}

function take(core: Core, leader: LeaderRole, asked: WaitingRead): void {
  const isKnown = core.rules.knowsCommit(core.commit, leader.termStart);
  if (isKnown && hasLease(core, leader)) answer(core, asked, core.commit);
  else if (leader.waitingReads.length >= limits.raftReads) answer(core, asked, undefined);
  else leader.waitingReads.push(asked);
}

/** Begins a round for the reads that wait; called once for all steps since the last time. */
export function beginReads(core: Core, leader: LeaderRole): void {
  if (leader.waitingReads.length === 0) return;
  // A leader does not know what is committed before it has committed something itself.
  if (!core.rules.knowsCommit(core.commit, leader.termStart)) return;
  if (leader.readRounds.length >= limits.raftReadRounds) return;
  beginRound(core, leader);
  const reads = leader.waitingReads;
  leader.waitingReads = [];
  leader.readRounds.push({ round: leader.round, index: core.commit, reads });
  confirmReads(core, leader);
}

/** More heartbeats were answered. */
export function confirmReads(core: Core, leader: LeaderRole): void {
  if (leader.readRounds.length === 0) return;
  const answered = answeredRound(core, leader);
  let confirmed = 0;
  for (const { round, index, reads } of leader.readRounds) {
    if (!core.rules.confirmsRead(answered, round)) break;
    confirmed++;
    for (const asked of reads) answer(core, asked, index);
  }
  if (confirmed > 0) leader.readRounds.splice(0, confirmed);
}

/** `index` undefined: it is to be asked again. */
function answer(core: Core, { from, id }: WaitingRead, index: LogIndex | undefined): void {
  if (from !== core.id) reply(core, from, id, index);
  else if (index === undefined) core.outbox.failedReads.push(id);
  else core.outbox.reads.push({ id, index });
}

function reply(core: Core, to: NodeId, batch: number, index: LogIndex | undefined): void {
  send(core, to, { type: "readReply", batch, index });
}
