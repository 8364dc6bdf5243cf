/** Applied entries of the log that somebody wants to have before they are cut off. */
import type { LogIndex } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Entry } from "../../raft/entry.ts";
import type { Raft } from "../../raft/raft.ts";
import type { StateMachine } from "../state-machine.ts";

export class Retention {
  readonly #raft: Raft;
  readonly #machine: StateMachine;
  #after: LogIndex | undefined;

  constructor(raft: Raft, machine: StateMachine) {
    this.#raft = raft;
    this.#machine = machine;
  }

  /** Applied entries behind `after`, as many as fit; undefined when some were cut off already. */
  entriesAfter(after: LogIndex, maxBytes: number): readonly Entry[] | undefined {
    return this.#raft.entriesAfter(after, this.#machine.applied, maxBytes);
  }

  /** Somebody will ask for the entries behind this one: a bounded number of them is not cut off. */
  keepEntriesAfter(index: LogIndex | undefined): void {
    this.#after = index;
  }

  /** Up to where the log may be cut. Only a leader has anybody who asks. */
  notAfter(applied: LogIndex): LogIndex {
    const isLeader = this.#raft.status.role === "leader";
    const wanted = (isLeader ? this.#after : undefined) ?? applied;
    return wanted < applied && applied - wanted <= limits.copyLagEntries ? wanted : applied;
  }
}
