/**
 * What the leader knows of one other member: how far its log agrees, and how appends may flow to it.
 *
 *   probe      one append at a time, until it is known where the logs agree
 *   replicate  appends follow each other without waiting, within the limits of what is under way
 *   snapshot   it needs entries that were cut off: it gets the state first
 */
import { assert } from "../base/errors.ts";
import type { LogIndex } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { NO_INDEX } from "./entry.ts";
import { Inflight } from "./inflight.ts";
import type { Recovery } from "./message.ts";

/** A snapshot on its way: one piece at a time. */
export interface SnapshotSending {
  /** Undefined until the owner has given the first piece. */
  id: number | undefined;
  /** The log is kept from behind it, or all of it would be for nothing. */
  index: LogIndex | undefined;
  offset: number;
  /** When the piece under way is given up and asked for again. */
  retryMs: number;
}

export type FlowState = "probe" | "replicate" | "snapshot";

export class Progress {
  /** The member holds the leader's log up to here, durably. */
  match: LogIndex = NO_INDEX;
  /** The next entry to send. */
  next: LogIndex;
  /** When it last gave a sign of this term. */
  contactMs: number;
  /** Greatest round of heartbeats it has answered, and when that was sent. */
  round = 0;
  roundSentMs = -Infinity;
  /** The commit index that it was last told. */
  toldCommit: LogIndex = NO_INDEX;
  recovery: Recovery | undefined;
  snapshot: SnapshotSending | undefined;
  readonly inflight: Inflight = new Inflight();
  #state: FlowState = "probe";
  /** In `probe`: the one append is under way. */
  #asked = false;
  #matchAtHeartbeat: LogIndex = NO_INDEX;

  constructor(next: LogIndex, nowMs: number) {
    this.next = next;
    this.contactMs = nowMs;
  }

  get state(): FlowState {
    return this.#state;
  }

  /** Whether an append with entries may go now. */
  get mayAppend(): boolean {
    if (this.#state === "probe") return !this.#asked;
    return this.#state === "replicate" && !this.inflight.isFull;
  }

  /** Appends with entries are unanswered. */
  get isAwaited(): boolean {
    return this.#state === "replicate" && this.inflight.count > 0;
  }

  /** An append up to `last` with so many bytes was sent. */
  sent(last: LogIndex, bytes: number): void {
    assert(this.#state !== "snapshot", "nothing is appended behind a snapshot under way");
    if (this.#state === "probe") this.#asked = true;
    else if (last >= this.next) {
      this.inflight.add(last, bytes);
      this.next = (last + 1) as LogIndex;
    }
  }

  /** It holds everything up to `index`. True when that is news. */
  acknowledged(index: LogIndex): boolean {
    if (this.#state === "snapshot" && (this.snapshot?.index ?? Infinity) > index) return false;
    const news = index > this.match;
    if (news) this.match = index;
    if (this.next <= index) this.next = (index + 1) as LogIndex;
    if (this.#state !== "replicate") {
      if (index < this.match) return news;
      this.#become("replicate");
      this.next = (this.match + 1) as LogIndex;
    } else this.inflight.freeThrough(index);
    return news;
  }

  /** It lacks what an append went on from; false when that is old news. */
  rejected(previousIndex: LogIndex, retryFrom: LogIndex): boolean {
    if (this.#state === "snapshot") return false;
    // It said that it had this once. One that lost entries may say so no more.
    if (previousIndex <= this.match && this.recovery === undefined) return false;
    if (previousIndex <= this.match) this.match = NO_INDEX;
    if (this.#state === "probe" && previousIndex !== this.next - 1) return false;
    this.probeFrom(Math.min(retryFrom, previousIndex) as LogIndex);
    return true;
  }

  /** Find out anew where the logs agree. */
  probeFrom(next: LogIndex): void {
    this.#become("probe");
    this.next = Math.max(next, this.match + 1) as LogIndex;
  }

  /** It lost entries that it had: nothing it said before holds. */
  restarted(recovery: Recovery): void {
    this.recovery = recovery;
    this.match = NO_INDEX;
    this.toldCommit = NO_INDEX;
    this.#become("probe");
  }

  needsSnapshot(nowMs: number): void {
    this.#become("snapshot");
    const retryMs = nowMs;
    this.snapshot = { id: undefined, index: undefined, offset: 0, retryMs };
  }

  /** A heartbeat was answered; true when appends seem to have got lost. */
  heard(): boolean {
    this.#asked = false;
    const stalled = this.#state === "replicate" && this.match === this.#matchAtHeartbeat;
    this.#matchAtHeartbeat = this.match;
    return stalled && this.next > this.match + 1;
  }

  /** Entries it lacks are few enough to count on it. */
  isCaughtUp(last: LogIndex): boolean {
    const healthy = this.#state === "replicate" && this.recovery === undefined;
    return healthy && last - this.match <= limits.raftPromotionLag;
  }

  #become(state: FlowState): void {
    this.#state = state;
    this.#asked = false;
    this.snapshot = undefined;
    this.inflight.clear();
  }
}
