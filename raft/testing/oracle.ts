/**
 * Sees everything that all nodes do and knows what must never be: two leaders in a term, two votes of
 * one node, logs that agree in an entry and differ before it, a leader that lacks what was decided,
 * two decisions about one index, a read that misses what was acknowledged before it was asked.
 */
import type { LogIndex, NodeId, Term } from "../../base/ids.ts";
import type { Entry } from "../entry.ts";
import type { Message } from "../message.ts";
import type { Status } from "../raft.ts";
import { check } from "./violation.ts";

interface Decided {
  readonly term: Term;
  readonly data: Uint8Array;
  /** The deciding leader's term was at most this. */
  readonly byTerm: Term;
}

export class Oracle {
  readonly #leaders = new Map<Term, NodeId>();
  readonly #votes = new Map<string, NodeId>();
  readonly #entries = new Map<string, { previousTerm: Term | undefined; data: Uint8Array }>();
  readonly #decided: Decided[] = [];
  /** State digests by index. */
  readonly #digests = new Map<LogIndex, number>();
  readonly #reads = new Map<number, LogIndex>();
  readCount = 0;
  /** How often what is rare came about. */
  installed = 0;
  recovered = 0;
  changed = 0;

  get decidedIndex(): LogIndex {
    return this.#decided.length as LogIndex;
  }

  get leaderCount(): number {
    return this.#leaders.size;
  }

  /** Election safety, and one vote of each node in each term. */
  sent(message: Message): void {
    if (message.type !== "voteReply" || !message.granted) return;
    const vote = `${message.from}@${message.term}`;
    const earlier = this.#votes.get(vote) ?? message.to;
    check(earlier === message.to, `${vote} votes for ${earlier} and ${message.to}`);
    this.#votes.set(vote, message.to);
  }

  /** Leader completeness: `termAt` tells the leader's log. */
  leads({ id, term, baseIndex }: Status, termAt: (index: LogIndex) => Term | undefined): void {
    const known = this.#leaders.get(term);
    if (known === id) return;
    check(known === undefined, `term ${term} has leaders ${known} and ${id}`);
    this.#leaders.set(term, id);
    for (let index = baseIndex + 1; index <= this.decidedIndex; index++) {
      const decided = this.#decided[index - 1];
      if (decided === undefined || decided.byTerm >= term) continue;
      const has = termAt(index as LogIndex);
      check(has === decided.term, `leader ${id} of term ${term} lacks entry ${index}`);
    }
  }

  /** Log matching: an entry is known by index and term, and determines the one before it. */
  logged(entry: Entry, previousTerm: Term | undefined): void {
    const name = `${entry.index}@${entry.term}`;
    const known = this.#entries.get(name);
    if (known === undefined) {
      this.#entries.set(name, { previousTerm, data: entry.data });
      return;
    }
    known.previousTerm ??= previousTerm;
    const agrees = previousTerm === undefined || known.previousTerm === previousTerm;
    check(agrees && Buffer.compare(known.data, entry.data) === 0, `logs differ below ${name}`);
  }

  /** State machine safety. */
  decided(entry: Entry, byTerm: Term, digest: number): void {
    const { index, term, data } = entry;
    const known = this.#decided[index - 1];
    if (known === undefined) {
      check(index === this.decidedIndex + 1, "decisions have no gap");
      if (entry.kind === "configuration") this.changed++;
      this.#decided.push({ term, data, byTerm });
    } else check(known.term === term, `index ${index} was decided in terms ${known.term}, ${term}`);
    this.state(index, digest);
  }

  /** Same log, same state; also for states that were received. */
  state(index: LogIndex, digest: number): void {
    const known = this.#digests.get(index) ?? digest;
    check(known === digest, `states differ at ${index}`);
    this.#digests.set(index, digest);
  }

  /** Whatever was applied anywhere may have been acknowledged to somebody. */
  readAsked(id: number): void {
    this.#reads.set(id, this.decidedIndex);
  }

  readAnswered(id: number, index: LogIndex): void {
    const bound = this.#reads.get(id);
    check(bound !== undefined, "a read is answered once, to whom asked for it");
    this.#reads.delete(id);
    check(index >= bound, `a read at ${index} misses what was decided up to ${bound}`);
    this.readCount++;
  }

  readFailed(id: number): void {
    check(this.#reads.delete(id), "a read is answered once, to whom asked for it");
  }

  readForgotten(id: number): void {
    this.#reads.delete(id);
  }
}
