/** Content and its description: what commands carry and queries answer. */
import type { BlobId, BlockId, NeedleId } from "../base/ids.ts";
import type { StreamInfo } from "./streams.ts";

/** One chunk of a blob: where its needle is and what its bytes must sum to. */
export interface Chunk {
  readonly block: BlockId;
  readonly needle: NeedleId;
  readonly lengthBytes: number;
  /** CRC32C of the chunk's bytes. */
  readonly crc32c: number;
}

/** A run of bytes of a blob. */
export interface Slice {
  readonly blob: BlobId;
  readonly offset: number;
  readonly lengthBytes: number;
}

export type ChecksumAlgorithm = "CRC32" | "CRC32C" | "CRC64NVME" | "SHA1" | "SHA256";

export interface ObjectChecksum {
  readonly algorithm: ChecksumAlgorithm;
  /** base64, with `-N` behind it when composite. */
  readonly value: string;
  readonly type: "FULL_OBJECT" | "COMPOSITE";
}

/** What is kept of an object besides its bytes. Absent fields take their default. */
export interface ObjectAttributes {
  /** Hex, without quotes; `…-N` for a multipart object. */
  readonly etag: string;
  readonly contentType?: string;
  /** cache-control, content-disposition, content-encoding, content-language, expires, website redirect. */
  readonly headers?: Readonly<Record<string, string>>;
  /** x-amz-meta-*, names in lower case without the prefix. */
  readonly userMetadata?: Readonly<Record<string, string>>;
  readonly checksum?: ObjectChecksum;
  readonly storageClass?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly retention?: { readonly mode: "GOVERNANCE" | "COMPLIANCE"; readonly untilMs: number };
  readonly legalHold?: boolean;
  readonly encryption?: Readonly<Record<string, string>>;
  /** Who wrote it. Absent: the owner of the bucket. */
  readonly owner?: string;
  /** Absent: its owner has full control and nobody else has any. */
  readonly acl?: readonly Grant[];
  /** Present: the object is found as a stream, too. */
  readonly stream?: StreamInfo;
}

/** What a user or a group may do with a bucket or an object. */
export interface Grant {
  readonly grantee:
    | { readonly type: "user"; readonly id: string }
    | {
        readonly type: "group";
        readonly group: "AllUsers" | "AuthenticatedUsers" | "LogDelivery";
      };
  readonly permission: Permission;
}

export type Permission = "FULL_CONTROL" | "READ" | "WRITE" | "READ_ACP" | "WRITE_ACP";

export interface CorsRule {
  readonly id?: string;
  readonly allowedOrigins: readonly string[];
  readonly allowedMethods: readonly string[];
  readonly allowedHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeSeconds?: number;
}

/** Maxima of a bucket or of all that a user owns. Absent: no limit. */
export interface Quota {
  readonly bytes?: number;
  readonly objects?: number;
}

/** What can be set on a bucket. Absent fields take their default. */
export interface BucketSettings {
  readonly versioning?: "enabled" | "suspended";
  /** Absent: the owner has full control and nobody else has any. */
  readonly acl?: readonly Grant[];
  readonly ownership?: "BucketOwnerEnforced" | "BucketOwnerPreferred" | "ObjectWriter";
  readonly cors?: readonly CorsRule[];
  readonly tags?: Readonly<Record<string, string>>;
  readonly quota?: Quota;
}

export interface BucketInfo extends BucketSettings {
  readonly name: string;
  /** One made again under the same name is another bucket. */
  readonly id: number;
  readonly createdMs: number;
  readonly owner: string;
  readonly region?: string;
  /** Current objects, and noncurrent versions with delete markers. */
  readonly objects: number;
  readonly versions: number;
  /** Of all versions. */
  readonly bytes: number;
}

/** Who may sign requests and own buckets. */
export interface UserInfo {
  readonly id: string;
  readonly displayName: string;
  readonly email?: string;
  readonly tenant?: string;
  readonly quota?: Quota & { readonly buckets?: number };
}
