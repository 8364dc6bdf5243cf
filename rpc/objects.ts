/** Content and its description: what commands carry and queries answer. */
import type { BlobId, BlockId, NeedleId } from "../base/ids.ts";

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
  /** Lengths and checksums of the parts of a multipart object, in order. */
  readonly parts?: readonly { readonly lengthBytes: number; readonly checksum?: string }[];
  readonly encryption?: Readonly<Record<string, string>>;
  readonly owner?: string;
}

export interface BucketInfo {
  readonly name: string;
  readonly createdMs: number;
  readonly owner: string;
  readonly region?: string;
  readonly versioning: "off" | "enabled" | "suspended";
  readonly objects: number;
  readonly bytes: number;
}
