/**
 * Decoded rows that nearly every request asks for (its access key, user, bucket). What a batch changes is
 * forgotten before it is written, and read from the state itself until it is: so it never knows less.
 */
import type { StateReader } from "./group/group.ts";
import { HotRows } from "./hot-rows.ts";
import { type Key, type RowKey, tags } from "./keyspace.ts";
import { decodeRow } from "./row-codec.ts";
import type { Change } from "./state-store.ts";

const MOST_ROWS = 4096;

interface Cell {
  readonly stored: Buffer | undefined;
  /** Decoded when it is asked for. */
  row?: unknown;
}

export class RowCache {
  readonly #state: StateReader;
  readonly #cells = new Map<Key, Cell>();
  readonly #hot: HotRows;
  #isChanging = false;

  constructor(state: StateReader) {
    this.#state = state;
    this.#hot = new HotRows(state);
  }

  get<Row>(key: RowKey<Row>): Row | undefined {
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      cell = { stored: this.#state.get(key) };
      if (!this.#isChanging) this.#keep(key, cell);
    }
    if (cell.stored === undefined) return undefined;
    cell.row ??= decodeRow<Row>(key, cell.stored);
    return cell.row as Row;
  }

  /** Rows of objects have their own place, so that those of users do not go for them. */
  readonly read = <Row>(key: RowKey<Row>): Row | undefined =>
    key.startsWith(tags.bucket) ? this.get(key) : this.#hot.read(key);

  /** The state is another one. */
  clear(): void {
    this.#cells.clear();
    this.#hot.clear();
  }

  /** A batch is about to be written: who reads meanwhile may see it, or not yet. */
  changing(changes: readonly Change[]): void {
    this.#isChanging = true;
    this.#hot.changing(changes);
    for (const { key } of changes) this.#cells.delete(key);
  }

  /** It was. */
  changed(): void {
    this.#isChanging = false;
    this.#hot.changed();
  }

  #keep(key: Key, cell: Cell): void {
    if (this.#cells.size >= MOST_ROWS)
      for (const oldest of this.#cells.keys()) {
        this.#cells.delete(oldest);
        break;
      }
    this.#cells.set(key, cell);
  }
}
