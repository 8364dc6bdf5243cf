/**
 * Rows of names and of what they name, decoded, that were read more than once of late. What a batch changes is
 * forgotten before it is written, and nothing is kept until it is: meanwhile the state alone knows when it has
 * the change, and whoever saw that in a listing sees it here, too.
 */
import { limits } from "../base/limits.ts";
import type { Key, RowKey } from "./keyspace.ts";
import { checksumOf, decodeRow } from "./row-codec.ts";
import type { Change, StateReads } from "./state-store.ts";

export class HotRows {
  readonly #state: Pick<StateReads, "get">;
  /** The longest here comes first. */
  readonly #rows = new Map<Key, unknown>();
  /** Checksums of rows that were read once, each in its place until another comes there. */
  readonly #readOnce = new Uint32Array(limits.hotRows);
  #isChanging = false;

  constructor(state: Pick<StateReads, "get">) {
    this.#state = state;
  }

  /** The row, which many may have: it cannot be changed. */
  read<Row>(key: RowKey<Row>): Row | undefined {
    const known = this.#rows.get(key);
    if (known !== undefined) return known as Row;
    const stored = this.#state.get(key);
    if (stored === undefined) return undefined;
    const row = decodeRow<Row>(key, stored);
    const isHot = stored.length <= limits.hotRowBytes && this.#wasRead(checksumOf(stored));
    if (isHot && !this.#isChanging) this.#keep(key, row);
    return row;
  }

  /** The state is another one. */
  clear(): void {
    this.#rows.clear();
  }

  /** A batch is about to be written. */
  changing(changes: readonly Change[]): void {
    this.#isChanging = true;
    if (this.#rows.size === 0) return;
    for (const { key } of changes) this.#rows.delete(key);
  }

  /** It was. */
  changed(): void {
    this.#isChanging = false;
  }

  /** Kept is what comes again: whoever reads everything once leaves no garbage that has grown old. */
  #wasRead(sum: number): boolean {
    const place = sum % this.#readOnce.length;
    if (this.#readOnce[place] === sum) return true;
    this.#readOnce[place] = sum;
    return false;
  }

  #keep(key: Key, row: unknown): void {
    if (this.#rows.size >= limits.hotRows)
      for (const oldest of this.#rows.keys()) {
        this.#rows.delete(oldest);
        break;
      }
    freeze(row);
    this.#rows.set(key, row);
  }
}

/** Bytes cannot be frozen. */
function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
  Object.freeze(value);
  for (const name in value) freeze(value[name as keyof typeof value]);
}
