/** Applies committed entries in their order, run by run, and tells those who wait for one. */
import { assert, type QuarryError } from "../../base/errors.ts";
import type { LogIndex, Term } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { type Entry, entryBytes } from "../../raft/entry.ts";
import { NotLeader } from "../../rpc/not-leader.ts";
import { RECORD_HEAD_BYTES } from "../log/record.ts";
import { type Outcome, RUN_ENTRIES, type StateMachine } from "../state-machine.ts";
import { noLeader, outcomeUnknown } from "./failures.ts";
import type { Proposer } from "./waiting.ts";

interface Expectation extends Proposer {
  readonly term: Term;
}

export interface ApplierOptions {
  /** So many bytes of the log are in the state now that were not. */
  readonly onApplied: (bytes: number) => void;
  readonly onFailure: (error: unknown) => void;
}

export class Applier {
  readonly #machine: StateMachine;
  readonly #options: ApplierOptions;
  #entries: Entry[] = [];
  #waitingBytes = 0;
  #onSettled: (() => void) | undefined;
  readonly #expected = new Map<LogIndex, Expectation>();
  #reached: { readonly index: LogIndex; readonly tell: (error?: QuarryError) => void }[] = [];
  #isRunning = false;
  #running: Promise<void> | undefined;
  #failure: QuarryError | undefined;

  constructor(machine: StateMachine, options: ApplierOptions) {
    this.#machine = machine;
    this.#options = options;
  }

  add(entries: readonly Entry[]): void {
    if (entries.length === 0 || this.#failure !== undefined) return;
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#waitingBytes += entryBytes(entry);
    }
    if (!this.#isRunning) this.#running = this.#run();
  }

  /** Resolves when so little waits to be applied that more may come. One waits at a time. */
  async settled(): Promise<void> {
    if (this.#waitingBytes <= limits.groupUnappliedBytes) return;
    await new Promise<void>((resolve) => {
      this.#onSettled = resolve;
    });
  }

  /** Whoever proposed the entry of this place is told what came of it. */
  expect(index: LogIndex, term: Term, proposer: Proposer): void {
    if (index <= this.#machine.applied) {
      // The word of the leader that took it came late: what the entry led to is not kept.
      proposer.reject(outcomeUnknown());
      return;
    }
    // An earlier one at this index was overwritten here, though perhaps not everywhere.
    this.#expected.get(index)?.reject(outcomeUnknown());
    this.#expected.set(index, { ...proposer, term });
  }

  /** Tells once the state has applied this index, or that it is not worth while to wait for that here. */
  reached(index: LogIndex, tell: (error?: QuarryError) => void): void {
    if (this.#machine.applied >= index) tell();
    else this.#reached.push({ index, tell });
  }

  /**
   * Nobody waits any longer for what was proposed up to this term, nor to read here: why this member
   * leads no more may be that it does not get on.
   */
  giveUp(through: Term): void {
    const waiting = this.#reached;
    this.#reached = [];
    for (const { tell } of waiting) tell(noLeader());
    for (const [index, { term, reject }] of this.#expected)
      if (term <= through) {
        this.#expected.delete(index);
        reject(outcomeUnknown());
      }
  }

  /** The state is another one: what it contains was not applied here one by one. */
  replaced(): void {
    const { applied } = this.#machine;
    for (const [index, { reject }] of this.#expected)
      if (index <= applied) {
        this.#expected.delete(index);
        reject(outcomeUnknown());
      }
    this.#tellReached();
  }

  /** Resolves when everything given so far is applied. */
  async idle(): Promise<void> {
    await this.#running;
  }

  fail(failure: QuarryError): void {
    this.#failure = failure;
    this.#entries = [];
    this.#applied(this.#waitingBytes);
    for (const { reject } of this.#expected.values()) reject(failure);
    this.#expected.clear();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      while (this.#entries.length > 0) {
        const run = this.#entries.splice(0, RUN_ENTRIES);
        this.#tell(run, await this.#machine.applyRun(run));
        let bytes = 0;
        for (const entry of run) bytes += entryBytes(entry);
        this.#applied(bytes);
      }
    } catch (error) {
      this.#options.onFailure(error);
    } finally {
      this.#isRunning = false;
    }
  }

  #applied(bytes: number): void {
    this.#waitingBytes = Math.max(0, this.#waitingBytes - bytes);
    if (this.#waitingBytes > limits.groupUnappliedBytes) return;
    this.#onSettled?.();
    this.#onSettled = undefined;
  }

  #tell(run: readonly Entry[], outcomes: readonly Outcome[]): void {
    let bytes = 0;
    run.forEach(({ index, term, data }, i) => {
      bytes += RECORD_HEAD_BYTES + data.length;
      const expected = this.#expected.get(index);
      if (expected === undefined) return;
      this.#expected.delete(index);
      const outcome = outcomes[i];
      assert(outcome !== undefined, "every entry has an outcome");
      if (expected.term !== term) expected.reject(notKept());
      else if ("refusal" in outcome) expected.reject(outcome.refusal);
      else expected.resolve(outcome.result);
    });
    this.#tellReached();
    this.#options.onApplied(bytes);
  }

  #tellReached(): void {
    const { applied } = this.#machine;
    const waiting = this.#reached;
    if (waiting.length === 0) return;
    this.#reached = waiting.filter(({ index }) => index > applied);
    for (const { index, tell } of waiting) if (index <= applied) tell();
  }
}

const notKept = () =>
  new NotLeader("another leader took over before the change was kept; try again", undefined);
