/**
 * Which objects hold blobs of which something is lost: blobs do not know who names them, so all names are
 * walked over, some at a time. One key for each blob is enough to begin with.
 */
import type { BlobId } from "../../base/ids.ts";
import type { StateReader } from "../group/group.ts";
import { type Key, KeyReader, prefixEnd, prefixOf, type Tag } from "../keyspace.ts";
import { decodeRow } from "../row-codec.ts";
import type { BucketRow, ContentPageRow, NameRow, SliceTuple } from "../rows.ts";

export interface ObjectName {
  readonly bucket: string;
  readonly key: string;
}

/** In this order: contents of many slices are named by id. */
const WALKED = ["bucket", "contentPage", "current", "version"] as const satisfies readonly Tag[];
type Walked = (typeof WALKED)[number];
const PAGE = 1_000;

export class OwnerSearch {
  readonly found: Map<BlobId, ObjectName> = new Map();
  readonly #state: StateReader;
  readonly #wanted: Set<BlobId>;
  readonly #buckets = new Map<number, string>();
  readonly #contents = new Map<number, BlobId[]>();
  #tag = 0;
  #from: Key;

  constructor(state: StateReader, blobs: Iterable<BlobId>) {
    this.#state = state;
    this.#wanted = new Set(blobs);
    this.#from = prefixOf(WALKED[0]);
  }

  /** Looks at one page; false when all were looked at, or all are found. */
  async step(): Promise<boolean> {
    const tag = WALKED[this.#tag];
    if (tag === undefined || this.#wanted.size === 0) return false;
    await using cursor = this.#state.range(this.#from, prefixEnd(prefixOf(tag)));
    const page = await cursor.next(PAGE);
    for (const { key, value } of page) this.#see(tag, key, value);
    const last = page.at(-1);
    if (last !== undefined && page.length === PAGE) {
      this.#from = `${last.key}\0`;
      return true;
    }
    const next = WALKED[++this.#tag];
    if (next !== undefined) this.#from = prefixOf(next);
    return next !== undefined;
  }

  #see(tag: Walked, key: Key, value: Buffer): void {
    if (tag === "bucket") {
      this.#buckets.set(decodeRow<BucketRow>(key, value).id, new KeyReader(key).text());
      return;
    }
    if (tag === "contentPage") {
      const { slices } = decodeRow<ContentPageRow>(key, value);
      const blobs = this.#wantedIn(slices);
      const content = new KeyReader(key).u56();
      if (blobs.length > 0)
        this.#contents.set(content, [...(this.#contents.get(content) ?? []), ...blobs]);
      return;
    }
    const { slices = [], content, list } = decodeRow<NameRow>(key, value);
    const blobs = content === undefined ? this.#wantedIn(slices) : this.#contents.get(content);
    for (const blob of [...(blobs ?? []), ...(list === undefined ? [] : [list])]) {
      if (!this.#wanted.delete(blob)) continue;
      const reader = new KeyReader(key);
      const bucket = this.#buckets.get(reader.u56()) ?? "?";
      this.found.set(blob, { bucket, key: reader.text() });
    }
  }

  #wantedIn(slices: readonly SliceTuple[]): BlobId[] {
    return slices.flatMap(([blob]) => (this.#wanted.has(blob) ? [blob] : []));
  }
}
