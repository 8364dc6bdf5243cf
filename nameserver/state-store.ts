/**
 * The seam under the metadata: an ordered key-value store with atomic batches. What it holds may
 * fall back to the last {@link StateStore.checkpoint} in a crash, but always to a whole batch.
 */
import type { Key } from "./keyspace.ts";

export interface Stored {
  readonly key: Key;
  readonly value: Buffer;
}

export interface Change {
  readonly key: Key;
  readonly keyBytes: Buffer;
  /** Absent: the key is deleted. */
  readonly value?: Buffer;
}

/** Walks a range in key order over the state as it was when the cursor was made. */
export interface RangeCursor extends AsyncDisposable {
  /** Up to `count` next entries; none at the end of the range. */
  next(count: number): Promise<Stored[]>;
  /** Goes on at the first key not below this one. */
  seek(key: Key): void;
}

export interface StateReads {
  get(key: Key): Buffer | undefined;
  /** Entries with `from` <= key < `to`. */
  range(from: Key, to: Key): RangeCursor;
}

export interface StateStore extends StateReads, AsyncDisposable {
  /** The state as it is now: all that is read of it is of one moment. To be given back. */
  snapshot(): StateReads & AsyncDisposable;
  write(changes: readonly Change[]): Promise<void>;
  /** When it resolves, every batch written before the call is durable. */
  checkpoint(): Promise<void>;
  /** Rough bytes on disk of a range. */
  approximateBytes(from: Key, to: Key): Promise<number>;
  /** Drops what deletions left behind in a range. */
  compact(from: Key, to: Key): Promise<void>;
}
