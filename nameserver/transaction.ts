/**
 * What `apply` sees of the state: rows by key, with the writes of a run of commands laid over the
 * store. A refused command leaves no writes. A run ends as one batch for the store.
 */
import { assert, QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { type Key, prefixEnd, type RowKey, tags } from "./keyspace.ts";
import { type Digest, decodeRow, encodeRow, moveDigest } from "./row-codec.ts";
import type { Change, StateStore } from "./state-store.ts";

/** One key in a run. */
interface Cell {
  row: unknown;
  /** The command at work changed it, from `previous`. */
  written: boolean;
  previous: unknown;
  /** Some command before it changed it in this run. */
  kept: boolean;
  /** Which command touched it last, counted. */
  command: number;
  /** Stored bytes before the run; `unknown` while it was only written. */
  before: Buffer | undefined | "unknown";
}

/**
 * Rows that nearly every command reads are kept decoded, and it is remembered that they are absent.
 */
const hotTags = new Set<string>([
  ...[tags.bucket, tags.owner, tags.user, tags.settings, tags.session, tags.sessionResults],
  ...[tags.block, tags.blockUse, tags.blobLease],
]);
const HOT_ROWS = 16_384;
const NO_COMMAND = -1;

interface HotRow {
  readonly row: unknown;
  readonly stored: Buffer | undefined;
}

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
  readonly cells: Iterable<readonly [Key, { readonly row: unknown; readonly written: boolean }]>;
  before(key: Key): unknown;
}

export class Transaction implements Rows, Touched {
  readonly #store: StateStore;
  /** All that the commands of this run have touched, with their effects. */
  #run = new Map<Key, Cell>();
  /** What the command at work has touched. */
  #touched: (readonly [Key, Cell])[] = [];
  #command = 0;
  readonly #hot = new Map<Key, HotRow>();

  constructor(store: StateStore) {
    this.#store = store;
  }

  get<Row>(key: RowKey<Row>): Row | undefined {
    let cell = this.#run.get(key);
    if (cell === undefined) {
      cell = this.#load(key);
      this.#run.set(key, cell);
    }
    this.#touch(key, cell);
    return cell.row as Row | undefined;
  }

  put<Row>(key: RowKey<Row>, row: Row): void {
    this.#write(key, row);
  }

  delete(key: Key): void {
    this.#write(key, undefined);
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
    return this.#touched;
  }

  before(key: Key): unknown {
    const cell = this.#run.get(key);
    if (cell?.command !== this.#command) return undefined;
    if (cell.before !== "unknown" || cell.kept) return cell.previous;
    const { row, stored } = this.#hot.get(key) ?? this.#stored(key);
    cell.before = stored;
    cell.previous = row;
    return row;
  }

  /** Keeps the effects of the command. */
  accept(): void {
    for (const [, cell] of this.#touched)
      if (cell.written) {
        cell.written = false;
        cell.kept = true;
      }
    this.#nextCommand();
  }

  /** Forgets the effects of the command. */
  refuse(): void {
    for (const [key, cell] of this.#touched)
      if (cell.written) {
        cell.row = cell.previous;
        cell.written = false;
        if (!cell.kept && cell.before === "unknown") this.#run.delete(key);
      }
    this.#nextCommand();
  }

  /** The run as changes for the store, and the digest of the state with them. */
  finish(digest: Digest): { changes: Change[]; digest: Digest } {
    assert(this.#touched.length === 0, "a run ends between commands");
    const changes: Change[] = [];
    let moved = digest;
    for (const [key, cell] of this.#run) {
      if (!cell.kept) continue;
      const { row } = cell;
      const before = cell.before === "unknown" ? this.#store.get(key) : cell.before;
      if (row === undefined && before === undefined) continue;
      const keyBytes = Buffer.from(key, "latin1");
      const value = row === undefined ? undefined : encodeRow(keyBytes, row);
      moved = moveDigest(moved, before, value);
      changes.push(value === undefined ? { key, keyBytes } : { key, keyBytes, value });
      if (hotTags.has(key.charAt(0))) this.#keepHot(key, { row, stored: value });
    }
    this.#run = new Map();
    return { changes, digest: moved };
  }

  #load(key: Key): Cell {
    const { row, stored } = this.#hot.get(key) ?? this.#stored(key);
    return newCell(row, stored);
  }

  #stored(key: Key): HotRow {
    const stored = this.#store.get(key);
    const found = { row: stored === undefined ? undefined : decodeRow(key, stored), stored };
    if (hotTags.has(key.charAt(0))) this.#keepHot(key, found);
    return found;
  }

  #keepHot(key: Key, found: HotRow): void {
    this.#hot.delete(key);
    if (this.#hot.size >= HOT_ROWS)
      for (const oldest of this.#hot.keys()) {
        this.#hot.delete(oldest);
        break;
      }
    this.#hot.set(key, found);
  }

  #write(key: Key, row: unknown): void {
    const cell = this.#run.get(key) ?? newCell(undefined, "unknown");
    this.#touch(key, cell);
    this.#run.set(key, cell);
    cell.row = row;
    cell.written = true;
  }

  #touch(key: Key, cell: Cell): void {
    if (cell.command === this.#command) return;
    cell.command = this.#command;
    cell.previous = cell.row;
    this.#touched.push([key, cell]);
    const { length } = this.#touched;
    // Refused, not a broken invariant: that would stop every member, now and at every start after.
    if (length > limits.commandKeys)
      throw new QuarryError("TooLarge", `a command touches at most ${limits.commandKeys} keys`);
  }

  #nextCommand(): void {
    this.#command++;
    this.#touched = [];
  }

  /** Written keys with the prefix, in key order. */
  #overlay(prefix: Key): Map<Key, unknown> {
    const found: [Key, unknown][] = [];
    for (const [key, cell] of this.#run)
      if ((cell.written || cell.kept) && key.startsWith(prefix)) found.push([key, cell.row]);
    return new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #found<Row>(key: Key): { key: RowKey<Row>; row: Row } {
    const row = this.get(key as RowKey<Row>);
    assert(row !== undefined, "a row found by a scan is there");
    return { key: key as RowKey<Row>, row };
  }
}

function newCell(row: unknown, before: Cell["before"]): Cell {
  return { row, written: false, previous: row, kept: false, command: NO_COMMAND, before };
}
