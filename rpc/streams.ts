/**
 * Streams: objects with a filename, as GridFS keeps files. The key of the object is the id of the file;
 * a filename may have many revisions, each an object of its own.
 */
import type { ObjectInfo } from "./name-service.ts";

/** What an object is as a stream, besides its bytes. */
export interface StreamInfo {
  /** Absent: a file without a name, found by its id only. */
  readonly filename?: string;
  /** No chunk is longer; only the last, and those of a slow sender, are shorter. */
  readonly chunkSizeBytes: number;
  /** When it was uploaded; absent: when its version was made. For files that come from elsewhere. */
  readonly uploadedMs?: number;
  readonly metadata?: PlainDocument;
}

/**
 * A value of a document as it is stored: JSON, in which one-field documents stand for what JSON has not:
 * `$date` (ms), `$oid` (hex), `$binary` (base64), `$numberLong` (decimal).
 */
export type PlainValue = null | boolean | number | string | readonly PlainValue[] | PlainDocument;

export interface PlainDocument {
  readonly [field: string]: PlainValue;
}

export interface StreamListRequest {
  readonly bucket: string;
  /** Only the revisions of this one, the newest first. Absent: all streams, by key. */
  readonly filename?: string;
  /** What the reply before said; empty: from the beginning. */
  readonly after: string;
  readonly limit: number;
}

export interface StreamListReply {
  readonly streams: readonly StreamObject[];
  /** `after` of the next page, which may be there even if this one is empty. Absent: that was all. */
  readonly next?: string;
}

export type StreamObject = ObjectInfo & {
  readonly attributes: { readonly stream: StreamInfo };
};

/** Which of two revisions of a name is the newer one is decided by this, then by the log. */
export const uploadedMs = (stream: StreamInfo, modifiedMs: number): number =>
  stream.uploadedMs ?? modifiedMs;
