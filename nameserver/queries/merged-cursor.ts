/**
 * Several kinds of rows about names, walked as one: in the order of what stands behind the tags of
 * their keys. Where that is equal up to its end, the shorter key comes first.
 */
import type { StateReader } from "../group/group.ts";
import type { Key } from "../keyspace.ts";
import type { RangeCursor, Stored } from "../state-store.ts";

/** A key without its tag: where a row stands among those of all kinds. */
export type Place = string;

export function placeOf(key: Key): Place {
  return key.slice(1);
}

/** What one kind still brings: entries read ahead, and where more come from. */
class Side {
  readonly #tag: string;
  readonly #cursor: RangeCursor;
  #ahead: Stored[] = [];
  #at = 0;
  #ended = false;

  constructor(state: StateReader, from: Key, end: Place) {
    this.#tag = from.slice(0, 1);
    this.#cursor = state.range(from, this.#tag + end);
  }

  get empty(): boolean {
    return this.#at === this.#ahead.length;
  }

  get head(): Stored | undefined {
    return this.#ahead[this.#at];
  }

  take(): void {
    this.#at++;
  }

  async fill(count: number): Promise<void> {
    if (this.#ended) return;
    this.#ahead = await this.#cursor.next(count);
    this.#at = 0;
    this.#ended = this.#ahead.length === 0;
  }

  /** What was read ahead is used as far as it reaches. */
  seek(place: Place): void {
    const key = this.#tag + place;
    while (!this.empty && (this.head?.key ?? key) < key) this.#at++;
    if (this.empty && !this.#ended) this.#cursor.seek(key);
  }

  async close(): Promise<void> {
    await this.#cursor[Symbol.asyncDispose]();
  }
}

export class MergedCursor implements AsyncDisposable {
  readonly #sides: readonly Side[];

  /** Each kind begins at its key of `from`; all end before `end`. */
  constructor(state: StateReader, from: readonly Key[], end: Place) {
    this.#sides = from.map((key) => new Side(state, key, end));
  }

  /** Up to `count` next entries; none at the end of all ranges. */
  async next(count: number): Promise<Stored[]> {
    const merged: Stored[] = [];
    while (merged.length < count) {
      let least: Side | undefined;
      let entry: Stored | undefined;
      for (const side of this.#sides) {
        if (side.empty) await side.fill(count);
        const { head } = side;
        if (head === undefined) continue;
        if (entry === undefined || placeOf(head.key) < placeOf(entry.key)) {
          least = side;
          entry = head;
        }
      }
      if (entry === undefined) break;
      merged.push(entry);
      least?.take();
    }
    return merged;
  }

  /** Goes on at the first entry not below this place; only forwards. */
  seek(place: Place): void {
    for (const side of this.#sides) side.seek(place);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const side of this.#sides) await side.close();
  }
}
