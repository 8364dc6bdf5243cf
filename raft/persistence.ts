/**
 * What is durable. Changes are staged by steps, handed to the owner in order and reported back when
 * they are on the disk; what promises something waits behind them.
 *
 * Completion is matched by sequence, never by index: an entry that was overwritten while its write
 * was under way must not count as the one that took its place.
 */
import { assert } from "../base/errors.ts";
import type { LogIndex, Term } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { HardState, StateHead } from "./entry.ts";
import type { Message } from "./message.ts";
import type { Persist } from "./outputs.ts";
import type { RaftLog } from "./raft-log.ts";

interface Pending {
  readonly sequence: number;
  /** End of the log that is durable with it, as far as that was not overwritten since. */
  lastIndex: LogIndex;
  readonly ownVote: Term | undefined;
}

export class Persistence {
  readonly #log: RaftLog;
  #durableIndex: LogIndex;
  /** Entries up to here were handed to the owner. */
  #handedIndex: LogIndex;
  #sequence = 0;
  #pending: Pending[] = [];
  #hardState: HardState | undefined;
  #reset: StateHead | undefined;
  #ownVote: Term | undefined;
  #thenSend: Message[] = [];

  /** All of the given log is durable. */
  constructor(log: RaftLog) {
    this.#log = log;
    this.#durableIndex = log.lastIndex;
    this.#handedIndex = log.lastIndex;
  }

  /** The log as it is now is durable up to here. */
  get durableIndex(): LogIndex {
    return this.#durableIndex;
  }

  /** The owner is too far behind to give it more. */
  get isFull(): boolean {
    return this.#pending.length >= limits.raftPersists;
  }

  stageHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  /** This node's vote for itself counts in `term` once it is durable. */
  stageOwnVote(term: Term): void {
    this.#ownVote = term;
  }

  /** The log begins anew behind a state that is durable already. */
  stageReset(head: StateHead): void {
    this.#reset = head;
    this.#handedIndex = head.index;
    this.#durableIndex = head.index;
    for (const one of this.#pending) one.lastIndex = head.index;
  }

  /** The entries from `from` on were cut off; others will take their places. */
  truncated(from: LogIndex): void {
    const last = (from - 1) as LogIndex;
    if (this.#handedIndex > last) this.#handedIndex = last;
    if (this.#durableIndex > last) this.#durableIndex = last;
    for (const one of this.#pending) if (one.lastIndex > last) one.lastIndex = last;
  }

  /** Goes when everything that is staged now is durable. */
  sendWhenDurable(message: Message): void {
    this.#thenSend.push(message);
  }

  /** Takes what is staged; messages that wait for nothing go to `send`. */
  take(send: Message[]): Persist | undefined {
    const lastIndex = this.#log.lastIndex;
    const changes =
      this.#hardState !== undefined || this.#reset !== undefined || lastIndex > this.#handedIndex;
    if (!changes && this.#pending.length === 0) send.push(...this.#thenSend.splice(0));
    if (!changes && this.#thenSend.length === 0) return undefined;
    this.#sequence++;
    const persist: Persist = {
      sequence: this.#sequence,
      hardState: this.#hardState,
      reset: this.#reset,
      entries: changes ? this.#log.slice((this.#handedIndex + 1) as LogIndex, lastIndex) : [],
      thenSend: this.#thenSend,
    };
    this.#pending.push({ sequence: this.#sequence, lastIndex, ownVote: this.#ownVote });
    this.#handedIndex = lastIndex;
    this.#hardState = undefined;
    this.#reset = undefined;
    this.#ownVote = undefined;
    this.#thenSend = [];
    return persist;
  }

  /** Everything up to `sequence` is durable. Returns the term in which the own vote counts now. */
  persisted(sequence: number): Term | undefined {
    assert(sequence <= this.#sequence, "only what was handed out can become durable");
    let ownVote: Term | undefined;
    let done = 0;
    for (const one of this.#pending) {
      if (one.sequence > sequence) break;
      done++;
      if (one.lastIndex > this.#durableIndex) this.#durableIndex = one.lastIndex;
      ownVote = one.ownVote ?? ownVote;
    }
    if (done > 0) this.#pending = this.#pending.slice(done);
    assert(this.#durableIndex <= this.#handedIndex, "nothing is durable that was not handed out");
    return ownVote;
  }
}
