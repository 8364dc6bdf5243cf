/**
 * Applies entries of the log to the state, run by run: each run is one batch of the store, with the
 * applied index, the time and the digest in it.
 */
import { assert, QuarryError } from "../base/errors.ts";
import type { LogIndex } from "../base/ids.ts";
import { apply } from "./apply/apply.ts";
import { ApplyContext } from "./apply/context.ts";
import type { AnyResult, Entry } from "./command.ts";
import { type Key, tags } from "./keyspace.ts";
import { type Digest, decodeRow, encodeRow } from "./row-codec.ts";
import type { Change, StateStore } from "./state-store.ts";
import { Transaction } from "./transaction.ts";

/** Entries that are applied as one batch at most. */
export const RUN_ENTRIES = 256;
const META_KEY: Key = tags.meta;
const metaKeyBytes = Buffer.from(META_KEY, "latin1");

interface MetaRow {
  readonly applied: LogIndex;
  readonly timeMs: number;
  readonly digest: Digest;
}

export type Outcome = { readonly result: AnyResult } | { readonly refusal: QuarryError };

export class StateMachine {
  readonly #store: StateStore;
  readonly #transaction: Transaction;
  readonly #onChanges: (changes: readonly Change[]) => void;
  #meta: MetaRow;

  /** `onChanges` is told of each batch that was written. */
  constructor(store: StateStore, onChanges: (changes: readonly Change[]) => void = () => {}) {
    this.#store = store;
    this.#transaction = new Transaction(store);
    this.#onChanges = onChanges;
    const stored = store.get(META_KEY);
    this.#meta =
      stored === undefined
        ? { applied: 0 as LogIndex, timeMs: 0, digest: { a: 0, b: 0 } }
        : decodeRow<MetaRow>(META_KEY, stored);
  }

  get applied(): LogIndex {
    return this.#meta.applied;
  }

  get timeMs(): number {
    return this.#meta.timeMs;
  }

  /** Of all rows as of {@link applied}; equal at equal indexes on every replica (INV-6). */
  get digest(): Digest {
    return this.#meta.digest;
  }

  /** Applies the next entries. A refused command is an outcome; any other error is a defect. */
  async applyRun(entries: readonly Entry[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    let { applied, timeMs } = this.#meta;
    for (const entry of entries) {
      assert(entry.index === applied + 1, "entries are applied in the order of the log");
      applied = entry.index;
      timeMs = Math.max(timeMs, entry.timeMs);
      outcomes.push(await this.#applyOne({ ...entry, timeMs }));
    }
    const { changes, digest } = this.#transaction.finish(this.#meta.digest);
    const meta: MetaRow = { applied, timeMs, digest };
    const value = encodeRow(metaKeyBytes, meta);
    await this.#store.write([...changes, { key: META_KEY, keyBytes: metaKeyBytes, value }]);
    this.#meta = meta;
    this.#onChanges(changes);
    return outcomes;
  }

  async #applyOne({ index, timeMs, command }: Entry): Promise<Outcome> {
    try {
      const applied = apply(new ApplyContext(this.#transaction, index, timeMs), command);
      const result = applied instanceof Promise ? await applied : applied;
      this.#transaction.accept();
      return { result };
    } catch (error) {
      this.#transaction.refuse();
      if (error instanceof QuarryError && error.code !== "Damaged") return { refusal: error };
      // A command of the wrong shape must not stop the nameserver, now or at every start after.
      if (error instanceof TypeError || error instanceof RangeError)
        return { refusal: malformed(error) };
      throw error;
    }
  }
}

function malformed(cause: Error): QuarryError {
  return new QuarryError("InvalidArgument", `the command is malformed: ${cause.message}`, {
    cause,
  });
}
