/**
 * Following changes of the metadata from a revision on. A revision is an index of the log, so it means
 * the same at every nameserver, and any of them answers: a watcher may go on at another one where it
 * stopped. A nameserver that knows no leader refuses (`NotLeader`), so that one that is cut off is not
 * taken for a quiet cluster.
 *
 * Every change that is applied after a revision is told once, in the order of the log. Client code
 * that keeps a copy uses `client/watch.ts`.
 */
import type { LogIndex } from "../base/ids.ts";
import type { BucketSettings } from "./objects.ts";

export type WatchTopic =
  /** Epochs of the cluster map. */
  | { readonly kind: "map" }
  /** Settings of all buckets, or of one. */
  | { readonly kind: "buckets"; readonly bucket?: string }
  /** What a listing of a bucket shows under a prefix. Follows the name: also a bucket made again. */
  | { readonly kind: "keys"; readonly bucket: string; readonly prefix: string };

export type BucketFields = BucketSettings & { readonly owner?: string; readonly region?: string };

export type WatchedChange = { readonly revision: LogIndex } & (
  | { readonly type: "map"; readonly epoch: number }
  | { readonly type: "bucketMade"; readonly bucket: string; readonly fields: BucketFields }
  /** The fields that changed; null: back to its default. */
  | {
      readonly type: "bucketChanged";
      readonly bucket: string;
      readonly fields: { readonly [Field in keyof BucketFields]?: BucketFields[Field] | null };
    }
  | { readonly type: "bucketRemoved"; readonly bucket: string }
  /** The key shows this version now; it may be one that was there before, or newly described. */
  | {
      readonly type: "put";
      readonly bucket: string;
      readonly key: string;
      readonly version: string;
      readonly etag: string;
      readonly lengthBytes: number;
    }
  /** A delete marker was laid over the key. */
  | {
      readonly type: "marker";
      readonly bucket: string;
      readonly key: string;
      readonly version: string;
    }
  /** The key shows nothing any more. */
  | { readonly type: "delete"; readonly bucket: string; readonly key: string }
);

export interface WatchService {
  /**
   * Changes after a revision, of which `limit` (about) at once; waits up to `waitMs` for the first.
   * All changes up to the answered revision are told then: ask on from there. None may be told, and
   * the revision still be higher.
   * @throws Compacted when changes after that revision are no longer kept.
   */
  changes(request: {
    readonly topic: WatchTopic;
    readonly after: LogIndex;
    readonly limit: number;
    readonly waitMs: number;
  }): Promise<{ readonly changes: readonly WatchedChange[]; readonly revision: LogIndex }>;

  /**
   * What is there, as the changes that would bring it about, in the order of names (of keys or
   * buckets, by UTF-8 bytes), strictly behind the name `after`; undefined: from the beginning. All of
   * one answer was read at its revision, which is at least `notBefore`.
   */
  entries(request: {
    readonly topic: WatchTopic;
    readonly after?: string;
    readonly limit: number;
    readonly notBefore: LogIndex;
  }): Promise<{
    readonly entries: readonly WatchedChange[];
    readonly revision: LogIndex;
    /** There may be more behind the last entry. */
    readonly more: boolean;
  }>;
}

/** By what entries are ordered. */
export function watchedName(change: WatchedChange): string {
  switch (change.type) {
    case "map":
      return "";
    case "bucketMade":
    case "bucketChanged":
    case "bucketRemoved":
      return change.bucket;
    case "put":
    case "marker":
    case "delete":
      return change.key;
  }
}

/** Whether a change belongs to a topic. */
export function isWatched(topic: WatchTopic, change: WatchedChange): boolean {
  switch (change.type) {
    case "map":
      return topic.kind === "map";
    case "bucketMade":
    case "bucketChanged":
    case "bucketRemoved":
      return (
        topic.kind === "buckets" && (topic.bucket === undefined || topic.bucket === change.bucket)
      );
    case "put":
    case "marker":
    case "delete":
      return (
        topic.kind === "keys" &&
        topic.bucket === change.bucket &&
        change.key.startsWith(topic.prefix)
      );
  }
}
