/**
 * Reads a queue of the state from where the last read got to. Starting from its beginning would
 * crawl over everything deleted since the last compaction.
 */
import type { StateReader } from "../group/group.ts";
import { type Key, laterKey, prefixEnd, prefixOf, type Tag } from "../keyspace.ts";
import type { Stored } from "../state-store.ts";

export class QueueCursor {
  readonly #state: StateReader;
  readonly #tag: Tag;
  #from: Key;

  constructor(state: StateReader, tag: Tag) {
    this.#state = state;
    this.#tag = tag;
    this.#from = prefixOf(tag);
  }

  /** The next entries below `to`. They come again until {@link passed}. */
  async next(count: number, to: Key = prefixEnd(prefixOf(this.#tag))): Promise<Stored[]> {
    if (to <= this.#from) return [];
    await using cursor = this.#state.range(this.#from, to);
    return await cursor.next(count);
  }

  /** Goes back to an entry that was passed. */
  rewind(key: Key): void {
    this.#from = key;
  }

  /** Entries up to this one are done with. */
  passed(key: Key): void {
    this.#from = laterKey(this.#from, `${key}\0`);
  }
}
