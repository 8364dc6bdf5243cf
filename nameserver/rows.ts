/**
 * What stands under each kind of key. Rows are immutable values; optional fields take their default
 * when absent, so that later versions can add some. The byte format is that of `row-codec.ts`.
 */
import type { BlobId, LogIndex, NodeId, VersionSequence } from "../base/ids.ts";
import type {
  BucketSettings,
  ChecksumAlgorithm,
  ObjectAttributes,
  ObjectChecksum,
  UserInfo,
} from "../rpc/objects.ts";

export * from "./rows-cluster.ts";

/** Settings that `apply` depends on: they are state, so that every replica has the same. */
export interface SettingsRow {
  /** How long deleted and overwritten names are held. */
  readonly holdMs: number;
  /** How long a pending blob may stay without a name. */
  readonly pendingMs: number;
}

/** A bucket, its settings and its counters; a bucket is empty when all counters are 0. */
export interface BucketRow extends BucketSettings {
  /** Log index of the command that made it: a bucket made again is another one. */
  readonly id: number;
  readonly owner: string;
  readonly createdMs: number;
  readonly region?: string;
  /** Rows in `current`. */
  readonly objects: number;
  /** Rows in `versions`: noncurrent versions and delete markers. */
  readonly versions: number;
  /** Sum of the lengths of all versions. */
  readonly bytes: number;
  /** Uploads in progress, and the bytes of their parts. */
  readonly uploads: number;
  readonly pendingBytes?: number;
}

export type OwnedRow = Record<never, never>;
/** What a user's buckets hold together. */
export interface OwnerRow {
  readonly buckets: number;
  readonly objects?: number;
  readonly bytes?: number;
  /** Of the parts of uploads in progress. */
  readonly pendingBytes?: number;
}

export interface UserRow extends Omit<UserInfo, "id"> {
  readonly createdMs: number;
  readonly accessKeys: readonly string[];
}

export interface AccessKeyRow {
  readonly user: string;
  readonly secretKey: string;
  readonly createdMs: number;
}

/** Who has an e-mail address. */
export interface EmailRow {
  readonly user: string;
}

/**
 * blob, offset in the blob, length; of multipart content also the checksum of the part it came from
 * (null for none) and whether that part goes on in the next slice.
 */
export type SliceTuple =
  | readonly [blob: BlobId, offset: number, lengthBytes: number]
  | readonly [blob: BlobId, offset: number, lengthBytes: number, checksum: string | null]
  | readonly [blob: BlobId, offset: number, lengthBytes: number, checksum: null, goesOn: true];

/** One version of a name: its content and its description. */
export interface NameRow {
  readonly seq: VersionSequence;
  readonly ms: number;
  readonly length: number;
  /** The content, when it has at most `limits.inlineSlices` slices, or was spliced. */
  readonly slices?: readonly SliceTuple[];
  /** Otherwise the id of the content whose pages hold the slices. */
  readonly content?: number;
  /** Of a linked fid: the blob whose only chunk is the list that its face reads. */
  readonly list?: BlobId;
  /** Its version id is "null". */
  readonly isNull?: true;
  readonly marker?: true;
  /** Of a multipart upload: how many parts its slices tell. */
  readonly parts?: number;
  /** The upload that completed as this version, so that a completion sent again is known. */
  readonly upload?: number;
  readonly attributes: ObjectAttributes;
}

/** Where the noncurrent null version of a name stands in `versions`. */
export interface NullVersionRow {
  readonly seq: VersionSequence;
}

/** A name that is gone but held. */
export interface TrashRow {
  readonly dueMs: number;
  readonly row: NameRow;
}

/** Finds a current version that is a stream by its filename. */
export interface StreamRow {
  readonly key: string;
}

export interface UploadRow {
  readonly ms: number;
  /** Absent: the owner that the attributes name. */
  readonly initiator?: string;
  readonly attributes: Omit<ObjectAttributes, "etag">;
  readonly checksumAlgorithm?: ChecksumAlgorithm;
  readonly checksumType?: "FULL_OBJECT" | "COMPOSITE";
  readonly staged?: StagedParts;
  /** Of all its parts. */
  readonly bytes?: number;
}

/** Parts that a completion has fixed so far. */
export interface StagedParts {
  readonly content: number;
  readonly count: number;
  readonly slices: number;
  readonly length: number;
  readonly lastPart: number;
  readonly lastLength: number;
}

export interface PartRow {
  /** The bytes, when they came with the part. */
  readonly blob?: BlobId;
  /** The bytes, when they are a range of another object; at most `limits.partSlices`. */
  readonly slices?: readonly SliceTuple[];
  readonly length: number;
  readonly etag: string;
  readonly ms: number;
  readonly checksum?: ObjectChecksum;
}

/** Head of a blob. Its chunks are inline, or all in pages. */
export interface BlobRow {
  /** Names, parts and contents that hold it. 0: pending or waiting for collection. */
  readonly refs: number;
  readonly length: number;
  readonly chunks: number;
  readonly inline?: Uint8Array;
  /** Present while nothing names it: when it expires. */
  readonly pendingUntilMs?: number;
}

/** Up to `limits.chunksPerPage` packed chunks (chunk-codec.ts). */
export interface PageRow {
  /** Offset in the blob of the first chunk. */
  readonly start: number;
  readonly chunks: Uint8Array;
}

/** Content of more slices than a name row holds. */
export interface ContentRow {
  readonly refs: number;
  readonly length: number;
  readonly slices: number;
}

export interface ContentPageRow {
  /** Offset in the content of the first slice. */
  readonly start: number;
  /** Parts that ended before this page. Absent: each slice before it was one. */
  readonly parts?: number;
  readonly slices: readonly SliceTuple[];
}

/** What blobs hold of a block, collected or not. */
export interface BlockUseRow {
  readonly needles: number;
  readonly bytes: number;
}

export interface RemovedBlockRow {
  readonly generation: number;
}

export interface BlobLeaseRow {
  readonly next: number;
}

/** A copy of the metadata in blocks: a snapshot, or a run of the log. */
export interface MetadataCopyRow {
  readonly blob: BlobId;
  /** The last entry in it. */
  readonly last: LogIndex;
  readonly ms: number;
  readonly bytes: number;
}

/** The state was brought back from a copy. */
export interface RecoveredRow {
  readonly ms: number;
  /** Until then no sweep removes needles that nothing names. */
  readonly keepOrphansUntilMs: number;
}

/** Who belongs to the group of nameservers, or shall. */
export interface RollRow {
  /** Every number below was given once, and is never given again. */
  readonly next: number;
  /** Members that have a row, ascending. */
  readonly nodes: readonly NodeId[];
}

/** What a nameserver shall be. The leader changes the configuration of the group until it is so. */
export interface MemberRow {
  /** host:port, where the others and clients reach it. */
  readonly address: string;
  /** `leaving`: it goes, and its row with it. */
  readonly role: "voter" | "learner" | "leaving";
  /** Names the folder that has this number, so that it is given the same when it asks again. */
  readonly token?: string;
  /** Goes when this one has come. */
  readonly replaces?: NodeId;
}

export type QueueRow = Record<never, never>;
export interface DueRow {
  readonly bucket: number;
  readonly key: string;
}

/** Left behind by an upload or a content that is gone, cleaned up in bounded steps. */
export type DropRow =
  | { readonly kind: "upload"; readonly upload: number }
  | { readonly kind: "content"; readonly content: number };

/** A client's session (raft/sessions.ts). */
export interface SessionRow {
  /** Log time of a command of it, not always the last one. */
  readonly ms: number;
}

/**
 * What became of commands of a session (outcome-codec.ts), one for each slot; the next command of a slot
 * takes its place. Neighbouring slots share a row, so that a run of commands writes few of them.
 */
export interface SessionResultsRow {
  /** By slot. */
  readonly results: readonly SessionResult[];
}

export type SessionResult = readonly [sequence: number, outcome: Uint8Array];

/** How many sessions there are. */
export interface SessionCountRow {
  readonly count: number;
}
