/**
 * What the nameserver does for others: commands (changes) and queries (linearizable reads).
 * Message types only; `nameserver/` implements them, `client/` uses them.
 */
import type { BlobId, BlockId, DeviceId, NeedleId, SessionId } from "../base/ids.ts";
import type { DeviceStatus } from "./block-service.ts";
import type { MapAnswer } from "./cluster-map.ts";
import type { Command, CommandResult, Once } from "./commands.ts";
import type { HealingProgress } from "./healing.ts";
import type { HealthService } from "./health.ts";
import type {
  BucketInfo,
  ChecksumAlgorithm,
  Chunk,
  ObjectAttributes,
  ObjectChecksum,
  Slice,
  UserInfo,
} from "./objects.ts";
import type { BlockLayout, PoolScheme } from "./pool.ts";
import type { StatePiece, StatePieceRequest } from "./state-piece.ts";
import type { StreamListReply, StreamListRequest } from "./streams.ts";

export type { StatePiece, StatePieceRequest };

/** One version of an object, as queries answer it. */
export interface ObjectInfo {
  readonly key: string;
  /** `null` or an opaque id. */
  readonly version: string;
  readonly modifiedMs: number;
  readonly lengthBytes: number;
  readonly deleteMarker: boolean;
  readonly attributes: ObjectAttributes;
  /** How many parts a multipart object has. */
  readonly parts?: number;
  /** The upload that completed as this version. */
  readonly upload?: string;
  /** It is a linked fid, too. One that S3 put under the same key is none. */
  readonly linked?: true;
}

/** A run of chunks that covers the asked bytes, as far as one reply reaches. */
export interface ChunkRun {
  /** Offset in the object of the first byte of the first chunk's used part. */
  readonly offset: number;
  readonly chunks: readonly (Chunk & {
    /** The part of the chunk that belongs to the object. */
    readonly from: number;
    readonly usedBytes: number;
  })[];
  /** Offset in the object behind this run; ask again from here. */
  readonly end: number;
}

export interface ListRequest {
  readonly bucket: string;
  readonly prefix: string;
  readonly delimiter: string;
  /** Keys (and prefixes) strictly after this one. */
  readonly after: string;
  /** Keys and common prefixes together, 0 … 1000. */
  readonly limit: number;
}

export interface ListReply {
  readonly objects: readonly ObjectInfo[];
  readonly prefixes: readonly string[];
  readonly truncated: boolean;
  /** The last key or prefix returned: `after` of the next page. */
  readonly last?: string;
}

/** By position of the piece; null: a hole, there was no device for it when the block was opened. */
export type BlockMembers = readonly (DeviceId | null)[];

export interface OpenBlock {
  readonly block: BlockId;
  readonly generation: number;
  readonly pool: number;
  readonly scheme: PoolScheme;
  readonly layout: BlockLayout;
  readonly members: BlockMembers;
}

/** The members that there are. */
export const filled = (members: BlockMembers): DeviceId[] =>
  members.filter((member) => member !== null);

/** A piece of a needle that a reader found wrong: what the member at this position holds of it. */
export interface NeedleReport {
  readonly block: BlockId;
  /** From 0 on; in a block of whole needles the place in `members`. */
  readonly position: number;
  readonly needle: NeedleId;
  /** It is not there; the member found it damaged itself; what came was not what was written. */
  readonly what: "missing" | "damaged" | "wrong";
}

export interface PartInfo {
  readonly part: number;
  readonly etag: string;
  readonly lengthBytes: number;
  readonly modifiedMs: number;
  readonly checksum?: ObjectChecksum;
}

export interface UploadInfo {
  readonly key: string;
  readonly upload: string;
  readonly startedMs: number;
  /** Who began it, and who will own the object. */
  readonly initiator: string;
  readonly owner: string;
  readonly storageClass?: string;
  readonly checksumAlgorithm?: ChecksumAlgorithm;
  readonly checksumType?: "FULL_OBJECT" | "COMPOSITE";
}

/** A run of bytes that one part of a multipart upload brought. */
export interface PartSpan {
  /** Parts of an object are counted from 1, whatever numbers they were uploaded under. */
  readonly part: number;
  readonly offset: number;
  readonly lengthBytes: number;
  /** Of the object's checksum algorithm. */
  readonly checksum?: string;
}

/** All versions of a bucket by key, then newest first. */
export interface VersionListRequest {
  readonly bucket: string;
  readonly prefix: string;
  readonly delimiter: string;
  readonly keyAfter: string;
  /**
   * Within `keyAfter`, strictly behind this version id, or behind where the version stood that a
   * reply named last; empty: behind all of the key.
   */
  readonly versionAfter: string;
  readonly limit: number;
}

export interface VersionListReply {
  readonly versions: readonly (ObjectInfo & { readonly latest: boolean })[];
  readonly prefixes: readonly string[];
  readonly truncated: boolean;
  /**
   * `keyAfter` and `versionAfter` of the next page. The version is a place rather than an id: it also
   * tells where a null version stood that is deleted meanwhile.
   */
  readonly last?: { readonly key: string; readonly version: string };
}

/** What a gateway must know before it serves a request: who signs, and what the bucket allows. */
export interface Access {
  readonly user?: UserInfo & { readonly secretKey: string };
  readonly bucket?: BucketInfo;
}

export interface NameService extends HealthService {
  /**
   * With `once` a command may be given again until it is answered: it is applied once, and answered
   * with what came of it then (of a refusal the code). `SessionExpired`: whether it was applied cannot
   * be told; if it was given for the first time, it was not.
   */
  execute(command: Command, once?: Once): Promise<CommandResult>;
  /** One that gives no command for `limits.sessionMs` is over. */
  openSession(): Promise<SessionId>;
  closeSession(session: SessionId): Promise<void>;

  /** The user behind an access key and a bucket, as they are now; what is not there is absent. */
  access(request: { readonly accessKey?: string; readonly bucket?: string }): Promise<Access>;
  /** By id or by e-mail. */
  user(
    by: { readonly id: string } | { readonly email: string },
  ): Promise<(UserInfo & { readonly accessKeys: readonly string[] }) | undefined>;
  users(after: string, limit: number): Promise<UserInfo[]>;

  bucket(name: string): Promise<BucketInfo>;
  buckets(owner: string, after: string, limit: number): Promise<BucketInfo[]>;
  /**
   * Object and the chunks that cover the range from `offset` on, in one trip. Of a name whose latest
   * version is a delete marker, that marker. Throws `NoSuchKey`, `NoSuchVersion`, `NoSuchBucket`.
   */
  lookup(request: {
    readonly bucket: string;
    readonly key: string;
    readonly version?: string;
    /** Absent: no chunks (HEAD). Negative: that many bytes from the end. */
    readonly offset?: number;
    /**
     * The offset counts from the beginning of this part. The whole of an object that is not multipart
     * is its part 1. Throws `InvalidPart` when there is none.
     */
    readonly part?: number;
  }): Promise<{
    readonly object: ObjectInfo;
    readonly run?: ChunkRun;
    readonly pin: ContentPin;
    readonly span?: PartSpan;
  }>;
  /**
   * An object (as `lookup` finds it) and its parts in order, behind part `after`. None when it is not
   * multipart.
   */
  objectParts(request: {
    readonly bucket: string;
    readonly key: string;
    readonly version?: string;
    readonly after: number;
    readonly limit: number;
  }): Promise<{
    readonly object: ObjectInfo;
    readonly parts: PartSpan[];
    readonly truncated: boolean;
  }>;
  /** More chunks of the same content, even if the name has changed meanwhile (INV-3). */
  chunks(pin: ContentPin, offset: number): Promise<ChunkRun>;
  list(request: ListRequest): Promise<ListReply>;
  streams(request: StreamListRequest): Promise<StreamListReply>;
  versions(request: VersionListRequest): Promise<VersionListReply>;
  uploads(request: {
    readonly bucket: string;
    readonly prefix: string;
    readonly delimiter: string;
    readonly keyAfter: string;
    readonly uploadAfter: string;
    readonly limit: number;
  }): Promise<{
    readonly uploads: UploadInfo[];
    readonly prefixes: string[];
    readonly truncated: boolean;
  }>;
  parts(request: {
    readonly bucket: string;
    readonly key: string;
    readonly upload: string;
    readonly after: number;
    readonly limit: number;
  }): Promise<{
    readonly upload: UploadInfo;
    readonly parts: PartInfo[];
    readonly truncated: boolean;
  }>;

  /** A run of `count` fresh blob ids, of which the first is returned. */
  leaseBlobs(count: number): Promise<BlobId>;
  /**
   * Open blocks of a pool to append to; opens new ones when there are fewer than wanted.
   * `avoid`: devices that let the client wait. Then only blocks without them are given, if there are any
   * that lack no member for it; perhaps none.
   * Throws `NoSuchPool`; `Unavailable` when too few members can be found, `DiskFull`.
   */
  openBlocks(pool: number, avoid?: readonly DeviceId[]): Promise<OpenBlock[]>;
  /** Where a block is now. */
  locate(block: BlockId): Promise<OpenBlock>;
  /**
   * A client saw the block full, failed or sealed: do not hand it out any more. `position` is that of a
   * member that failed.
   */
  reportBlock(
    block: BlockId,
    generation: number,
    reason: "full" | "sealed" | "failed",
    position?: number,
  ): Promise<void>;
  /** A reader found the piece of a needle at a position wrong. A hint: it may be forgotten. */
  reportNeedle(
    block: BlockId,
    position: number,
    needle: NeedleId,
    what: NeedleReport["what"],
  ): Promise<void>;
  /** The cluster map, when it is newer than this epoch (0: in any case), and which devices are down. */
  clusterMap(newerThan: number): Promise<MapAnswer>;
  /** What the leader makes whole, and how it goes on. */
  healing(): Promise<HealingProgress>;
  /** All devices of the cluster, as the leader last heard of them. */
  deviceStates(): Promise<DeviceStatus[]>;
  /** Deleted and overwritten keys of a bucket that `undelete` can still bring back, oldest name first. */
  deleted(request: {
    readonly bucket: string;
    readonly prefix: string;
    readonly after: string;
    readonly limit: number;
  }): Promise<{ readonly key: string; readonly lengthBytes: number; readonly untilMs: number }[]>;

  /**
   * All rows of the state as of one moment, in pieces (nameserver/group/snapshot-bytes.ts). Throws
   * `Changed` when the reading cannot go on and has to begin anew.
   */
  statePiece(request: StatePieceRequest): Promise<StatePiece>;
}

/**
 * Names content independently of the name that led to it. Opaque outside `nameserver/`, but for the
 * slices of content that has no pages: who splices it may join some.
 */
export type ContentPin = Readonly<{ bucket: number; slices: readonly Slice[]; paged?: number }>;
