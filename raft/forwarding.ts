/**
 * What a node that does not lead asks of the leader for its owner: proposals and reads, gathered and
 * bounded. When the leader changes or keeps silent, the owner hears that, and tries again; sessions
 * see to it that nothing is applied twice (sessions.ts).
 */
import { limits } from "../base/limits.ts";
import { type Core, leaderOf, send } from "./core.ts";
import { entryBytes, NOBODY } from "./entry.ts";
import type { MessageOf } from "./message.ts";
import type { Proposal, RefusalReason } from "./outputs.ts";

interface Asked<Question> {
  readonly question: Question;
  readonly dueMs: number;
}

export class Forwarding {
  /** Gathered since the last `flush`. */
  #proposals: Proposal[] = [];
  #reads: number[] = [];
  /** At the leader, by the id of the proposal and by the batch of reads; oldest first. */
  readonly #proposed = new Map<number, Asked<number>>();
  readonly #batches = new Map<number, Asked<readonly number[]>>();
  #proposedBytes = 0;
  #readsUnderWay = 0;
  /** Batches are numbered from a random start: a reply to an earlier life answers nothing now. */
  #nextBatch: number;
  /** So are proposals, on their way: owners begin to number them anew in each life. */
  readonly #firstId: number;

  constructor(random: () => number) {
    this.#nextBatch = (random() % 2 ** 20) * 2 ** 32 + random();
    this.#firstId = (random() % 2 ** 20) * 2 ** 32;
  }

  propose(core: Core, proposal: Proposal): void {
    const { id } = proposal;
    const bytes = entryBytes(proposal);
    if (leaderOf(core) === NOBODY) refuse(core, id, "noLeader");
    else if (
      this.#proposed.size >= limits.raftForwarded ||
      this.#proposedBytes + bytes > limits.raftForwardedBytes
    )
      refuse(core, id, "busy");
    else {
      this.#proposals.push(proposal);
      this.#proposedBytes += bytes;
      this.#proposed.set(id, { question: bytes, dueMs: this.#dueMs(core) });
    }
  }

  read(core: Core, id: number): void {
    if (leaderOf(core) === NOBODY || this.#readsUnderWay >= limits.raftReads)
      core.outbox.failedReads.push(id);
    else {
      this.#readsUnderWay++;
      this.#reads.push(id);
    }
  }

  /** Sends what was gathered. */
  flush(core: Core): void {
    const leader = leaderOf(core);
    if (leader === NOBODY || leader === core.id) return;
    while (this.#proposals.length > 0)
      send(core, leader, { type: "propose", proposals: this.#takeProposals(core) });
    if (this.#reads.length > 0) {
      const batch = this.#nextBatch++;
      this.#batches.set(batch, { question: this.#reads, dueMs: this.#dueMs(core) });
      send(core, leader, { type: "read", batch });
      this.#reads = [];
    }
  }

  handleProposeReply(core: Core, { accepted, refused }: MessageOf<"proposeReply">): void {
    for (const one of accepted) {
      const id = one.id - this.#firstId;
      if (this.#answered(id)) core.outbox.accepted.push({ ...one, id });
    }
    for (const { id, reason } of refused)
      if (this.#answered(id - this.#firstId)) refuse(core, id - this.#firstId, reason);
  }

  handleReadReply(core: Core, { batch, index }: MessageOf<"readReply">): void {
    const asked = this.#batches.get(batch);
    if (asked === undefined) return;
    this.#batches.delete(batch);
    this.#readsUnderWay -= asked.question.length;
    for (const id of asked.question)
      if (index === undefined) core.outbox.failedReads.push(id);
      else core.outbox.reads.push({ id, index });
  }

  /** Whoever was asked does not lead any more, or not for sure. */
  leaderChanged(core: Core): void {
    const unsent = new Set(this.#proposals.map(({ id }) => id));
    for (const id of this.#proposed.keys())
      refuse(core, id, unsent.has(id) ? "noLeader" : "unknown");
    for (const { question } of this.#batches.values()) core.outbox.failedReads.push(...question);
    core.outbox.failedReads.push(...this.#reads);
    this.#proposals = [];
    this.#reads = [];
    this.#proposed.clear();
    this.#batches.clear();
    this.#proposedBytes = 0;
    this.#readsUnderWay = 0;
  }

  /** Gives up on answers that do not come: the message may be lost. */
  tick(core: Core): void {
    const nowMs = core.now.steadyMs;
    for (const [id, { dueMs }] of this.#proposed) {
      if (dueMs > nowMs) break;
      this.#answered(id);
      refuse(core, id, "unknown");
    }
    for (const [batch, { question, dueMs }] of this.#batches) {
      if (dueMs > nowMs) break;
      this.#batches.delete(batch);
      this.#readsUnderWay -= question.length;
      core.outbox.failedReads.push(...question);
    }
  }

  /** As many as one message carries. */
  #takeProposals({ settings }: Core): Proposal[] {
    let count = 0;
    for (let bytes = 0; count < this.#proposals.length; count++) {
      const next = this.#proposals[count];
      bytes += next === undefined ? 0 : entryBytes(next);
      if (count > 0 && bytes > settings.appendBytes) break;
    }
    const taken = this.#proposals.splice(0, count);
    return taken.map((proposal) => ({ ...proposal, id: proposal.id + this.#firstId }));
  }

  #answered(id: number): boolean {
    const asked = this.#proposed.get(id);
    this.#proposedBytes -= asked?.question ?? 0;
    return this.#proposed.delete(id);
  }

  #dueMs({ now, settings }: Core): number {
    return now.steadyMs + 2 * settings.electionMs;
  }
}

const messageOf: Record<RefusalReason, string> = {
  busy: "too many changes are waiting; try again later",
  noLeader: "the group has no leader at the moment; try again later",
  transferring: "the leader is handing over; try again in a moment",
  invalid: "this cannot be proposed",
  unknown: "the leader did not answer: the change may be made yet, or not; ask again",
};

export function refuse(core: Core, id: number, reason: RefusalReason): void {
  core.outbox.refused.push({ id, reason, message: messageOf[reason] });
}
