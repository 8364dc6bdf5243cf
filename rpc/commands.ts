/**
 * Commands: changes to the metadata. One command is one entry of the replicated log, applied whole
 * or not at all, and touches a bounded number of keys.
 */
import type { BlobId, DeviceId, ServerId, SessionId } from "../base/ids.ts";
import type { Location, OfferedDevice } from "./cluster-map.ts";
import type { HealingSettings } from "./healing.ts";
import type {
  BucketInfo,
  BucketSettings,
  ChecksumAlgorithm,
  Chunk,
  ObjectAttributes,
  ObjectChecksum,
  UserInfo,
} from "./objects.ts";
import type { Pool, StorageClass } from "./pool.ts";

/** New content as a PUT brings it: chunks already registered with `addChunks` are not repeated. */
export interface NewBlob {
  readonly blob: BlobId;
  readonly lengthBytes: number;
  /** Chunks 0 … registered-1 are registered already. */
  readonly registered: number;
  /** The chunks from `registered` on. Empty for an empty object. */
  readonly chunks: readonly Chunk[];
}

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

/** A field to set, or null to go back to its default. Absent fields stay as they are. */
export type Change<T> = { readonly [Field in keyof T]?: T[Field] | null };

/** The bucket that a command speaks of. */
interface OfBucket {
  readonly bucket: string;
  /** By which its giver was judged: one made again under this name is another, and is refused. */
  readonly bucketId?: number;
}

/** What can be said of a pool. */
export type PoolSettings = Omit<Pool, "id" | "name">;

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
    })
  /** Changes the description of a version in place. A stream is renamed by another `stream`. */
  | (OfBucket & {
      readonly type: "describeObject";
      readonly key: string;
      readonly version?: string;
      /** The version that the caller was found to be allowed to change: no other is. */
      readonly seen?: CopySource["seen"];
      readonly change: Change<Pick<ObjectAttributes, "tags" | "acl" | "stream">>;
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
  /**
   * A dataserver says where it is and which devices it serves. Those that another served move to it;
   * those that it served before and does not name any more stay its own.
   */
  | {
      readonly type: "registerDataserver";
      readonly server: ServerId;
      readonly address: string;
      readonly location: Location;
      readonly version: string;
      readonly devices: readonly OfferedDevice[];
    }
  /** Changes what is meant to be on a device: its weight, or whether it holds data at all. */
  | {
      readonly type: "changeDevice";
      readonly device: DeviceId;
      readonly in?: boolean;
      /** 16.16 fixed point; null: that of its capacity again. */
      readonly weight?: number | null;
      /**
       * Not a person, but the planner, about a device that was down for long, or is back: it puts out only
       * what is in, and in only what it put out itself. What it finds otherwise stays as it is.
       */
      readonly by?: "planner";
    }
  /**
   * Takes a device out of the cluster map for good; its number is not given again. Refused while it is
   * in, while it is served, and while a block names it.
   */
  | {
      readonly type: "removeDevice";
      readonly device: DeviceId;
      /** The leader's word: what it looked at. */
      readonly epoch?: number;
    }
  /** Refused while it is up, and while it has devices. */
  | { readonly type: "removeDataserver"; readonly server: ServerId; readonly epoch?: number }
  /** A name is for people: it need not be unique. Fields that are absent are as in pool 0 at the start. */
  | {
      readonly type: "createPool";
      readonly name: string;
      readonly settings: Partial<PoolSettings>;
    }
  /** Blocks that are there keep their scheme until they are converted. */
  | {
      readonly type: "changePool";
      readonly pool: number;
      readonly name?: string;
      readonly change: Change<PoolSettings>;
    }
  /** Refused while it has blocks, or a storage class names it. */
  | { readonly type: "removePool"; readonly pool: number }
  | { readonly type: "setStorageClass"; readonly storageClass: StorageClass }
  /** Refused for `STANDARD`. Objects that have it keep it, and stay where they are. */
  | { readonly type: "removeStorageClass"; readonly name: string }
  /** How fast, and whether, blocks are made whole again; what is null is as usual. */
  | { readonly type: "setHealing"; readonly change: Change<HealingSettings> };

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
