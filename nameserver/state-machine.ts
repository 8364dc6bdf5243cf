/**
 * Applies entries of the log to the state, run by run: each run is one batch of the store, with the
 * applied index, the time and the digest in it.
 */
import { assert, type ErrorCode, hasCode, QuarryError } from "../base/errors.ts";
import type { LogIndex, SessionId, Term } from "../base/ids.ts";
import { type Configuration, NO_MEMBERS } from "../raft/configuration.ts";
import { decodeConfiguration } from "../raft/configuration-codec.ts";
import type { Entry, StateHead } from "../raft/entry.ts";
import { admit, remember } from "../raft/sessions.ts";
import { apply } from "./apply/apply.ts";
import { ApplyContext } from "./apply/context.ts";
import { type AnyResult, decodeCommand } from "./command.ts";
import { type Key, tags } from "./keyspace.ts";
import { decodeOutcome, encodeOutcome, type Outcome } from "./outcome-codec.ts";
import { type Digest, decodeRow, encodeRow } from "./row-codec.ts";
import { StoredSessions } from "./session-rows.ts";
import type { Change, StateReads, StateStore } from "./state-store.ts";
import { type Touched, Transaction } from "./transaction.ts";

/** Entries that are applied as one batch at most. */
export const RUN_ENTRIES = 256;
const META_KEY: Key = tags.meta;
const metaKeyBytes = Buffer.from(META_KEY, "latin1");

interface MetaRow {
  readonly applied: LogIndex;
  readonly term: Term;
  readonly timeMs: number;
  /** Who belongs to the group, as of `applied`. */
  readonly members: Configuration;
  readonly digest: Digest;
  /** It came from another nameserver as it is: nothing was applied to it here. */
  readonly isInstalled?: true;
}

/** What comes of an entry that holds no command. */
const NOTHING: Outcome = { result: { type: "done" } };

export type { Outcome };

/** Whether this is the row that says what the state contains; it is no part of the digest. */
export const isHeadKey = (key: Key) => key === META_KEY;

/** The end of what a stored state contains; undefined for an empty one. */
export function headOf(state: Pick<StateReads, "get">): StateHead | undefined {
  const meta = metaOf(state);
  if (meta === undefined) return undefined;
  const { applied, term, timeMs, members } = meta;
  return { index: applied, term, timeMs, configuration: members };
}

/** The digest that a stored state says it has. */
export function digestOf(state: Pick<StateReads, "get">): Digest {
  return metaOf(state)?.digest ?? { a: 0, b: 0 };
}

/** Tells that a state is another nameserver's, until something is applied to it. */
export async function markInstalled(state: Pick<StateStore, "get" | "write">): Promise<void> {
  const meta = metaOf(state);
  assert(meta !== undefined, "a state that is installed is not empty");
  const value = encodeRow(metaKeyBytes, { ...meta, isInstalled: true } satisfies MetaRow);
  await state.write([{ key: META_KEY, keyBytes: metaKeyBytes, value }]);
}

function metaOf(state: Pick<StateReads, "get">): MetaRow | undefined {
  const stored = state.get(META_KEY);
  return stored === undefined ? undefined : decodeRow<MetaRow>(META_KEY, stored);
}

/** Is told what every command does, then that it is in the state. */
export interface RunObserver {
  applying(index: LogIndex, touched: Touched): void;
  /** Everything up to this index is. */
  applied(index: LogIndex): void;
}

export class StateMachine {
  readonly #store: StateStore;
  #transaction: Transaction;
  readonly #onChanges: (changes: readonly Change[]) => void;
  readonly #onChanging: (changes: readonly Change[]) => void;
  readonly #observer: RunObserver | undefined;
  #meta: MetaRow;

  /**
   * `founders` are the members of a group that begins with an empty state. `onChanges` is told of each
   * batch that was written, `onChanging` before that, `observer` of each command too.
   */
  constructor(
    store: StateStore,
    founders: Configuration = NO_MEMBERS,
    onChanges: (changes: readonly Change[]) => void = () => {},
    observer?: RunObserver,
    onChanging: (changes: readonly Change[]) => void = () => {},
  ) {
    this.#store = store;
    this.#transaction = new Transaction(store);
    this.#onChanges = onChanges;
    this.#onChanging = onChanging;
    this.#observer = observer;
    this.#meta = metaOf(store) ?? {
      applied: 0 as LogIndex,
      term: 0 as Term,
      timeMs: 0,
      members: founders,
      digest: { a: 0, b: 0 },
    };
  }

  /** The store holds another state now. */
  replaced(): void {
    const meta = metaOf(this.#store);
    assert(meta !== undefined, "a state that was put in place is not empty");
    this.#meta = meta;
    this.#transaction = new Transaction(this.#store);
  }

  get applied(): LogIndex {
    return this.#meta.applied;
  }

  /** The end of what the state contains. */
  get head(): StateHead {
    const { applied, term, timeMs, members } = this.#meta;
    return { index: applied, term, timeMs, configuration: members };
  }

  /** The state took the place of another one, and nothing was applied to it since. */
  get isInstalled(): boolean {
    return this.#meta.isInstalled === true;
  }

  get timeMs(): number {
    return this.#meta.timeMs;
  }

  /** Of all rows as of {@link applied}; equal at equal indexes on every replica (INV-6). */
  get digest(): Digest {
    return this.#meta.digest;
  }

  /** The log goes on behind this index; that there are no entries before it is known to the caller. */
  async jump(to: LogIndex): Promise<void> {
    assert(to > this.#meta.applied, "a state does not go back");
    const meta: MetaRow = { ...this.#meta, applied: to };
    const value = encodeRow(metaKeyBytes, meta);
    await this.#store.write([{ key: META_KEY, keyBytes: metaKeyBytes, value }]);
    this.#meta = meta;
  }

  /** Applies the next entries. A refused command is an outcome; any other error is a defect. */
  async applyRun(entries: readonly Entry[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    let { applied, term, timeMs, members } = this.#meta;
    for (const entry of entries) {
      assert(entry.index === applied + 1, "entries are applied in the order of the log");
      assert(entry.timeMs >= timeMs, "log time does not go back");
      ({ index: applied, term, timeMs } = entry);
      if (entry.kind === "configuration") members = decodeConfiguration(entry.data);
      outcomes.push(entry.kind === "command" ? await this.#applyCommand(entry) : NOTHING);
    }
    const { changes, digest } = this.#transaction.finish(this.#meta.digest);
    const meta: MetaRow = { applied, term, timeMs, members, digest };
    const value = encodeRow(metaKeyBytes, meta);
    this.#onChanging(changes);
    await this.#store.write([...changes, { key: META_KEY, keyBytes: metaKeyBytes, value }]);
    this.#meta = meta;
    this.#onChanges(changes);
    this.#observer?.applied(applied);
    return outcomes;
  }

  /** A command of a session is applied once, and what became of it is remembered in the same batch. */
  async #applyCommand(entry: Entry): Promise<Outcome> {
    if (entry.session === 0) return await this.#attempt(entry);
    const transaction = this.#transaction;
    const sessions = new StoredSessions(transaction);
    const session = entry.session as SessionId;
    const { sequence, timeMs } = entry;
    try {
      const admission = admit(sessions, session, sequence, timeMs);
      transaction.accept();
      if (admission.type === "repeat") return decodeOutcome(admission.result);
    } catch (error) {
      transaction.refuse();
      if (hasCode(error, "SessionExpired", "InvalidArgument")) return { refusal: error };
      throw error;
    }
    const outcome = await this.#attempt(entry);
    remember(sessions, session, sequence, encodeOutcome(outcome));
    transaction.accept();
    return outcome;
  }

  /** A refused command leaves nothing behind. */
  async #attempt({ index, timeMs, data }: Entry): Promise<Outcome> {
    let result: AnyResult;
    try {
      const command = decodeCommand(data);
      const applied = apply(new ApplyContext(this.#transaction, index, timeMs), command);
      result = applied instanceof Promise ? await applied : applied;
    } catch (error) {
      this.#transaction.refuse();
      if (error instanceof QuarryError && !STOPS.has(error.code)) return { refusal: error };
      // A command of the wrong shape must not stop the nameserver, now or at every start after.
      if (error instanceof TypeError || error instanceof RangeError)
        return { refusal: malformed(error) };
      throw error;
    }
    this.#observer?.applying(index, this.#transaction);
    this.#transaction.accept();
    return { result };
  }
}

/** Not the command's fault: the state is harmed, or this version is too old for the log. */
const STOPS: ReadonlySet<ErrorCode> = new Set(["Damaged", "NewerFormat"]);

function malformed(cause: Error): QuarryError {
  return new QuarryError("InvalidArgument", `the command is malformed: ${cause.message}`, {
    cause,
  });
}
