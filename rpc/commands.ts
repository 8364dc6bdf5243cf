/**
 * Commands: changes to the metadata. One command is one entry of the replicated log, applied whole
 * or not at all, and touches a bounded number of keys.
 */
import type { BlobId, SessionId } from "../base/ids.ts";
import type { Change, ClusterCommand, PoolSettings } from "./cluster-commands.ts";
import type {
  BucketInfo,
  BucketSettings,
  ChecksumAlgorithm,
  Chunk,
  ObjectAttributes,
  ObjectChecksum,
  Slice,
  UserInfo,
} from "./objects.ts";

export type { Change, PoolSettings };

/** New content as a PUT brings it: chunks already registered with `addChunks` are not repeated. */
export interface NewBlob {
  readonly blob: BlobId;
  readonly lengthBytes: number;
  /** Chunks 0 … registered-1 are registered already. */
  readonly registered: number;
  /** The chunks from `registered` on. Empty for an empty object. */
  readonly chunks: readonly Chunk[];
}

/** The one needle, marked as a list, by which a fid reads what the name has (client/fids/list.ts). */
export type FidList = NewBlob;

/** Conditions on the version that a write replaces or removes, judged inside the command. */
export interface WriteConditions {
  /** `*`: only when there is no current version. */
  readonly ifNoneMatch?: string;
  /** Only when the current version has this ETag (or any, for `*`). */
  readonly ifMatch?: string;
  /** Only when it was last modified in this second. */
  readonly ifModifiedMs?: number;
  readonly ifLengthBytes?: number;
}

/** What a copy takes its bytes from; judged inside the command. */
export interface CopySource {
  readonly bucket: string;
  readonly bucketId?: number;
  readonly key: string;
  readonly version?: string;
  /** The version that the caller was found to be allowed to read: no other is copied. */
  readonly seen: { readonly etag: string; readonly modifiedMs: number };
}

/** The bucket that a command speaks of. */
interface OfBucket {
  readonly bucket: string;
  /** By which its giver was judged: one made again under this name is another, and is refused. */
  readonly bucketId?: number;
}

export type Command =
  | {
      readonly type: "createBucket";
      readonly bucket: string;
      readonly owner: string;
      readonly region?: string;
      readonly settings?: BucketSettings;
    }
  | (OfBucket & { readonly type: "deleteBucket" })
  /** Versioning can be suspended, never switched off again. */
  | (OfBucket & {
      readonly type: "configureBucket";
      readonly change: Change<BucketSettings>;
    })
  /** Makes a user, or changes one: the whole description is replaced. */
  | { readonly type: "putUser"; readonly user: UserInfo }
  /** Refused while the user owns buckets. The keys go with the user. */
  | { readonly type: "removeUser"; readonly user: string }
  | {
      readonly type: "putAccessKey";
      readonly user: string;
      readonly accessKey: string;
      readonly secretKey: string;
    }
  | { readonly type: "removeAccessKey"; readonly accessKey: string }
  /** Registers chunks of a blob that is not named yet (a pending blob). */
  | {
      readonly type: "addChunks";
      readonly blob: BlobId;
      readonly first: number;
      readonly chunks: readonly Chunk[];
    }
  /** Gives up a pending blob. */
  | { readonly type: "dropBlob"; readonly blob: BlobId }
  | (OfBucket & {
      readonly type: "putObject";
      readonly key: string;
      readonly content: NewBlob;
      readonly attributes: ObjectAttributes;
      readonly conditions?: WriteConditions;
      readonly list?: FidList;
    })
  /**
   * Names the content of another object; no bytes are moved. Refused as `Changed` when the source
   * is not what was seen.
   */
  | (OfBucket & {
      readonly type: "copyObject";
      readonly key: string;
      readonly source: CopySource;
      /** What replaces the attributes of the source; its ETag stays. */
      readonly change: Change<Omit<ObjectAttributes, "etag">>;
      readonly conditions?: WriteConditions;
      readonly list?: FidList;
    })
  /**
   * New content out of the current one: its bytes [0, keep), then new ones, then its bytes from `from`
   * on. No bytes are moved; what stays is held by the new version and by the old. Refused as
   * `TooManySlices` when it would lie in more than `limits.splicedSlices` runs.
   */
  | (OfBucket & {
      readonly type: "spliceObject";
      readonly key: string;
      /** Absent: all of it, so that the new bytes are appended. */
      readonly keep?: number;
      /** At least `keep`; absent, or behind the end: nothing stands behind the new bytes. */
      readonly from?: number;
      readonly content?: NewBlob;
      /**
       * The new bytes are those that stood in [keep, from), in these slices: the version stays what it
       * was, only in fewer slices. Refused as `Changed` when others stand there.
       */
      readonly joins?: readonly Slice[];
      readonly seen?: CopySource["seen"];
      readonly conditions?: WriteConditions;
    })
  /** Changes the description of a version in place. A stream is renamed by another `stream`. */
  | (OfBucket & {
      readonly type: "describeObject";
      readonly key: string;
      readonly version?: string;
      /** The version that the caller was found to be allowed to change: no other is. */
      readonly seen?: CopySource["seen"];
      readonly change: Change<Pick<ObjectAttributes, "tags" | "acl" | "userMetadata" | "stream">>;
      /** User metadata that is set beside what there is, after the change. */
      readonly merge?: Readonly<Record<string, string>>;
    })
  | (OfBucket & {
      readonly type: "deleteObject";
      readonly key: string;
      /** `null` or the opaque id of a version: that version is removed, whatever it is. */
      readonly version?: string;
      readonly conditions?: WriteConditions;
    })
  | (OfBucket & {
      readonly type: "createUpload";
      readonly key: string;
      /** Absent: who will own the object. */
      readonly initiator?: string;
      readonly attributes: Omit<ObjectAttributes, "etag">;
      /** Checksum that the client announced for the whole upload. */
      readonly checksumAlgorithm?: ChecksumAlgorithm;
      readonly checksumType?: "FULL_OBJECT" | "COMPOSITE";
    })
  | (OfBucket & {
      readonly type: "putPart";
      readonly key: string;
      readonly upload: string;
      readonly part: number;
      readonly content: NewBlob;
      readonly etag: string;
      readonly checksum?: ObjectChecksum;
    })
  /** A part whose bytes are a range of an object; no bytes are moved. */
  | (OfBucket & {
      readonly type: "putPartCopy";
      readonly key: string;
      readonly upload: string;
      readonly part: number;
      readonly source: CopySource;
      /** Absent: the whole object. */
      readonly range?: { readonly offset: number; readonly lengthBytes: number };
      readonly etag: string;
      readonly checksum?: ObjectChecksum;
    })
  /**
   * Fixes the next run of parts of a completion, at most `limits.commandKeys / 4` in one command:
   * of these as many as it can, at least one. Staging pins the named parts; staging from 0 again
   * starts anew.
   */
  | (OfBucket & {
      readonly type: "stageParts";
      readonly key: string;
      readonly upload: string;
      /** How many parts are staged already. */
      readonly staged: number;
      readonly parts: readonly { readonly part: number; readonly etag: string }[];
    })
  | (OfBucket & {
      readonly type: "completeUpload";
      readonly key: string;
      readonly upload: string;
      readonly staged: number;
      readonly etag: string;
      readonly checksum?: ObjectChecksum;
      readonly conditions?: WriteConditions;
    })
  | (OfBucket & {
      readonly type: "abortUpload";
      readonly key: string;
      readonly upload: string;
    })
  /** Brings back the newest deleted or overwritten version of a key that is still held. */
  | (OfBucket & { readonly type: "undelete"; readonly key: string })
  | ClusterCommand;

export type CommandResult =
  | { readonly type: "done" }
  | { readonly type: "bucket"; readonly bucket: BucketInfo }
  | {
      readonly type: "version";
      readonly version: string;
      readonly modifiedMs: number;
      readonly deleteMarker?: boolean;
    }
  | {
      readonly type: "copied";
      readonly version: string;
      readonly modifiedMs: number;
      readonly etag: string;
      readonly checksum?: ObjectChecksum;
    }
  | {
      readonly type: "spliced";
      readonly version: string;
      readonly modifiedMs: number;
      readonly etag: string;
      readonly lengthBytes: number;
    }
  | { readonly type: "part"; readonly modifiedMs: number }
  | { readonly type: "upload"; readonly upload: string }
  /** The epoch of the cluster map from which on it holds what the command said. */
  | { readonly type: "epoch"; readonly epoch: number }
  | { readonly type: "pool"; readonly pool: number; readonly epoch: number }
  | {
      readonly type: "staged";
      readonly staged: number;
      /** What the completion needs of the parts just staged. */
      readonly parts: readonly {
        readonly etag: string;
        readonly lengthBytes: number;
        readonly checksum?: string;
      }[];
    };

/** The number of a command in a session: however often it arrives under it, it is applied once. */
export interface Once {
  readonly session: SessionId;
  /** From 1 to `limits.sessionSequence`; n is not used before n - `limits.sessionWindow` has its answer. */
  readonly sequence: number;
}
