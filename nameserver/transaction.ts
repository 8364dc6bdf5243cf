/**
 * What `apply` sees of the state: rows by key, with the writes of a run of commands laid over the
 * store. A refused command leaves no writes. A run ends as one batch for the store.
 */
import { assert } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { type Key, prefixEnd, type RowKey, tags } from "./keyspace.ts";
import { type Digest, decodeRow, encodeRow, moveDigest } from "./row-codec.ts";
import type { Change, StateStore } from "./state-store.ts";

interface Cell {
  readonly row: unknown;
  readonly written: boolean;
}

/** Rows that nearly every command reads are kept decoded. */
const hotTags = new Set<string>([
  tags.bucket,
  tags.block,
  tags.blockUse,
  tags.settings,
  tags.session,
  tags.sessionResult,
]);
const HOT_ROWS = 16_384;

/** `get`, `put` and `delete` on rows: what commands change the metadata with. */
export interface Rows {
  get<Row>(key: RowKey<Row>): Row | undefined;
  put<Row>(key: RowKey<Row>, row: Row): void;
  delete(key: Key): void;
  /** The first row of all whose key begins with `prefix`. */
  first<Row>(prefix: Key): Promise<{ readonly key: RowKey<Row>; readonly row: Row } | undefined>;
}

/** The rows that a command has read and written, and what stood there before it. */
export interface Touched {
  readonly cells: ReadonlyMap<Key, { readonly row: unknown; readonly written: boolean }>;
  before(key: Key): unknown;
}

export class Transaction implements Rows, Touched {
  readonly #store: StateStore;
  /** Effects of the commands of this run. */
  #run = new Map<Key, Cell>();
  /** What the command at work has touched. */
  #command = new Map<Key, Cell>();
  /** Stored bytes before the run, of keys that were read. */
  #before = new Map<Key, Buffer | undefined>();
  readonly #hot = new Map<Key, { readonly row: unknown; readonly stored: Buffer }>();

  constructor(store: StateStore) {
    this.#store = store;
  }

  get<Row>(key: RowKey<Row>): Row | undefined {
    const touched = this.#command.get(key);
    if (touched !== undefined) return touched.row as Row | undefined;
    const row = this.#run.get(key)?.row ?? (this.#run.has(key) ? undefined : this.#load(key));
    this.#touch(key, { row, written: false });
    return row as Row | undefined;
  }

  put<Row>(key: RowKey<Row>, row: Row): void {
    this.#touch(key, { row, written: true });
  }

  delete(key: Key): void {
    this.#touch(key, { row: undefined, written: true });
  }

  async first<Row>(prefix: Key): Promise<{ key: RowKey<Row>; row: Row } | undefined> {
    const over = this.#overlay(prefix);
    await using cursor = this.#store.range(prefix, prefixEnd(prefix));
    // Every key that the overlay deletes may hide one in the store.
    for (let looked = 0; looked <= over.size; looked++) {
      const [stored] = await cursor.next(1);
      for (const [key, row] of over) {
        if (stored !== undefined && stored.key <= key) break;
        if (row !== undefined) return this.#found<Row>(key);
      }
      if (stored === undefined) return undefined;
      if (!over.has(stored.key) || over.get(stored.key) !== undefined)
        return this.#found<Row>(stored.key);
    }
    return undefined;
  }

  /** Of the command at work. */
  get cells(): Touched["cells"] {
    return this.#command;
  }

  before(key: Key): unknown {
    return this.#run.has(key) ? this.#run.get(key)?.row : this.#load(key);
  }

  /** Keeps the effects of the command. */
  accept(): void {
    for (const [key, cell] of this.#command) if (cell.written) this.#run.set(key, cell);
    this.#command.clear();
  }

  /** Forgets the effects of the command. */
  refuse(): void {
    this.#command.clear();
  }

  /** The run as changes for the store, and the digest of the state with them. */
  finish(digest: Digest): { changes: Change[]; digest: Digest } {
    assert(this.#command.size === 0, "a run ends between commands");
    const changes: Change[] = [];
    let moved = digest;
    for (const [key, { row }] of this.#run) {
      const before = this.#before.has(key) ? this.#before.get(key) : this.#store.get(key);
      if (row === undefined && before === undefined) continue;
      const keyBytes = Buffer.from(key, "latin1");
      const value = row === undefined ? undefined : encodeRow(keyBytes, row);
      moved = moveDigest(moved, before, value);
      changes.push(value === undefined ? { key, keyBytes } : { key, keyBytes, value });
      if (hotTags.has(key.charAt(0))) this.#keepHot(key, row, value);
    }
    this.#run = new Map();
    this.#before = new Map();
    return { changes, digest: moved };
  }

  #load(key: Key): unknown {
    const hot = this.#hot.get(key);
    if (hot !== undefined) {
      this.#before.set(key, hot.stored);
      return hot.row;
    }
    const stored = this.#store.get(key);
    this.#before.set(key, stored);
    if (stored === undefined) return undefined;
    const row = decodeRow(key, stored);
    if (hotTags.has(key.charAt(0))) this.#keepHot(key, row, stored);
    return row;
  }

  #keepHot(key: Key, row: unknown, stored: Buffer | undefined): void {
    this.#hot.delete(key);
    if (stored === undefined) return;
    if (this.#hot.size >= HOT_ROWS)
      for (const oldest of this.#hot.keys()) {
        this.#hot.delete(oldest);
        break;
      }
    this.#hot.set(key, { row, stored });
  }

  #touch(key: Key, cell: Cell): void {
    this.#command.set(key, cell);
    assert(this.#command.size <= limits.commandKeys, "a command touches a bounded number of keys");
  }

  /** Written keys with the prefix, in key order. */
  #overlay(prefix: Key): Map<Key, unknown> {
    const found: [Key, unknown][] = [];
    for (const [key, cell] of this.#run)
      if (key.startsWith(prefix) && !this.#command.get(key)?.written) found.push([key, cell.row]);
    for (const [key, cell] of this.#command)
      if (cell.written && key.startsWith(prefix)) found.push([key, cell.row]);
    return new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #found<Row>(key: Key): { key: RowKey<Row>; row: Row } {
    const row = this.get(key as RowKey<Row>);
    assert(row !== undefined, "a row found by a scan is there");
    return { key: key as RowKey<Row>, row };
  }
}
