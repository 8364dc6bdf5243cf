/**
 * After mass deletion a scan of LevelDB crawls over what was deleted. So deletes are counted by kind
 * of row, with the range they touched; once they are a large share of that range, it is compacted in
 * the background.
 */
import { type Key, laterKey, tags } from "../keyspace.ts";
import type { Change, StateStore } from "../state-store.ts";

/** Fewer are not worth it: a scan passes them in some milliseconds. */
const LEAST_DELETES = 5_000;
/** Rough bytes of a deleted row and its tombstone. */
const DELETE_BYTES = 200;

/** Kinds of rows that are scanned. */
const scanned = new Set<string>([
  tags.current,
  tags.version,
  tags.trash,
  tags.upload,
  tags.part,
  tags.pendingQueue,
  tags.dueQueue,
  tags.collectQueue,
  tags.dropQueue,
]);

interface Deletes {
  count: number;
  first: Key;
  last: Key;
}

export class Tombstones {
  readonly #store: Pick<StateStore, "approximateBytes" | "compact">;
  readonly #report: (message: string) => void;
  readonly #byTag = new Map<string, Deletes>();
  #compacting: Promise<void> | undefined;

  constructor(
    store: Pick<StateStore, "approximateBytes" | "compact">,
    report: (message: string) => void,
  ) {
    this.#store = store;
    this.#report = report;
  }

  /** Looks at a batch that was written. */
  saw(changes: readonly Change[]): void {
    for (const { key, value } of changes) {
      const tag = key.charAt(0);
      if (value !== undefined || !scanned.has(tag)) continue;
      const deletes = this.#byTag.get(tag);
      if (deletes === undefined) {
        this.#byTag.set(tag, { count: 1, first: key, last: key });
        continue;
      }
      deletes.count++;
      if (key < deletes.first) deletes.first = key;
      deletes.last = laterKey(deletes.last, key);
      if (deletes.count % LEAST_DELETES === 0) this.#consider(tag, deletes);
    }
  }

  /** Resolves when no compaction runs. */
  async idle(): Promise<void> {
    while (this.#compacting !== undefined) await this.#compacting;
  }

  #consider(tag: string, { count, first, last }: Deletes): void {
    if (this.#compacting !== undefined) return;
    let compacted = false;
    this.#compacting = this.#compactIfWorth(tag, count, first, `${last}\0`)
      .then((done) => {
        compacted = done;
      })
      .catch((error: unknown) => this.#report(`compaction of the metadata failed: ${error}`))
      .finally(() => {
        this.#compacting = undefined;
        // What was deleted meanwhile did not get its turn.
        if (compacted)
          for (const [other, deletes] of this.#byTag)
            if (deletes.count >= LEAST_DELETES) this.#consider(other, deletes);
      });
  }

  async #compactIfWorth(tag: string, count: number, first: Key, end: Key): Promise<boolean> {
    const bytes = await this.#store.approximateBytes(first, end);
    if (count * DELETE_BYTES < bytes / 2) return false;
    this.#byTag.delete(tag);
    await this.#store.compact(first, end);
    return true;
  }
}
