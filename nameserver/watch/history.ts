/** The latest changes, bounded by number and by memory: what watchers may still ask for. */
import { assert } from "../../base/errors.ts";
import type { LogIndex } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { Compacted } from "../../rpc/compacted.ts";
import type { WatchedChange } from "../../rpc/watch-service.ts";

/** What one change is reckoned to take besides its texts. */
const CHANGE_BYTES = 160;

export interface HistoryOptions {
  /** Default: those of `base/limits.ts`. */
  readonly most?: number;
  readonly mostBytes?: number;
}

export class History {
  readonly #most: number;
  readonly #mostBytes: number;
  /** A ring: the change number n stands at n mod length. */
  #ring: (WatchedChange | undefined)[] = new Array(64);
  #first = 0;
  #end = 0;
  #bytes = 0;
  #oldest: LogIndex;
  #head: LogIndex;

  constructor(head: LogIndex, options: HistoryOptions = {}) {
    this.#most = options.most ?? limits.watchHistory;
    this.#mostBytes = options.mostBytes ?? limits.watchHistoryBytes;
    this.#oldest = this.#head = head;
  }

  /** Changes after this revision are kept. */
  get oldest(): LogIndex {
    return this.#oldest;
  }

  /** All changes up to here are told of. */
  get head(): LogIndex {
    return this.#head;
  }

  /** What was applied between {@link head} and a new one, in order. */
  add(changes: readonly WatchedChange[], head: LogIndex): void {
    assert(head >= this.#head, "revisions go up");
    for (const change of changes) {
      if (this.#end - this.#first === this.#ring.length) this.#grow();
      this.#ring[this.#end++ % this.#ring.length] = change;
      this.#bytes += bytesOf(change);
    }
    this.#head = head;
    while (this.#end - this.#first > this.#most || this.#bytes > this.#mostBytes) this.#drop();
  }

  /** Forgets all: the state is another one. */
  reset(head: LogIndex): void {
    this.#ring = new Array(64);
    this.#first = this.#end = this.#bytes = 0;
    this.#oldest = this.#head = head;
  }

  /**
   * The changes after a revision that are wanted, and up to where they were looked for: a revision is
   * told whole or not at all.
   * @throws Compacted
   */
  since(
    after: LogIndex,
    isWanted: (change: WatchedChange) => boolean,
    limit: number,
  ): { readonly changes: WatchedChange[]; readonly revision: LogIndex } {
    if (after < this.#oldest) throw new Compacted(this.#oldest);
    const changes: WatchedChange[] = [];
    let bytes = 0;
    let last = after;
    for (let n = this.#behind(after); n < this.#end; n++) {
      const change = this.#at(n);
      const isFull = changes.length >= limit || bytes >= limits.watchAnswerBytes;
      if (isFull && change.revision !== last) return { changes, revision: last };
      if (!isWanted(change)) continue;
      last = change.revision;
      bytes += bytesOf(change);
      changes.push(change);
    }
    return { changes, revision: after > this.#head ? after : this.#head };
  }

  /** Number of the first change after a revision. */
  #behind(after: LogIndex): number {
    let low = this.#first;
    let high = this.#end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#at(middle).revision <= after) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #at(n: number): WatchedChange {
    const change = this.#ring[n % this.#ring.length];
    assert(change !== undefined, "a change that is kept is there");
    return change;
  }

  #drop(): void {
    const change = this.#at(this.#first);
    this.#ring[this.#first++ % this.#ring.length] = undefined;
    this.#bytes -= bytesOf(change);
    this.#oldest = change.revision;
  }

  #grow(): void {
    const kept = this.#ring.length;
    const wider: (WatchedChange | undefined)[] = new Array(kept * 2);
    for (let n = this.#first; n < this.#end; n++) wider[n % wider.length] = this.#at(n);
    this.#ring = wider;
  }
}

function bytesOf(change: WatchedChange): number {
  switch (change.type) {
    case "map":
      return CHANGE_BYTES;
    case "put":
      return CHANGE_BYTES + change.key.length + change.etag.length;
    case "marker":
    case "delete":
      return CHANGE_BYTES + change.key.length;
    case "bucketMade":
    case "bucketChanged":
      return CHANGE_BYTES + JSON.stringify(change.fields).length;
    case "bucketRemoved":
      return CHANGE_BYTES;
  }
}
