/**
 * A whole store in one process: `import { openStore } from "quarry"`. What it gives is small; all that
 * the store can do is behind `store.client`.
 */
import { EmbeddedStore } from "./embedded/embedded-store.ts";
import { openClient, type StoreOptions } from "./open-servers.ts";

export { type ErrorCode, QuarryError } from "../base/errors.ts";
export type { Bucket } from "./embedded/bucket.ts";
export type { Content } from "./embedded/content.ts";
export type { ObjectStat, PutOptions } from "./embedded/description.ts";
export type { EmbeddedStore } from "./embedded/embedded-store.ts";
export type { FileOptions, Files } from "./embedded/files.ts";
export type { Range, StoredContent } from "./embedded/stored-content.ts";
export type { StoredObject } from "./embedded/stored-object.ts";
export type { Link, LinkRequest } from "./link.ts";
export type * from "./link-names.ts";
export type { StoreOptions } from "./open-servers.ts";
export type { Body, OpenObject, PartTarget, PutTarget, Store } from "./store.ts";
export { GridFSBucket, type GridFSBucketOptions } from "./streams/bucket.ts";
export type { Document } from "./streams/documents.ts";
export {
  GridFSBucketReadStream,
  type GridFSBucketReadStreamOptions,
  type GridFSBucketReadStreamOptionsWithRevision,
} from "./streams/download-stream.ts";
export {
  MongoAPIError,
  MongoDriverError,
  MongoError,
  MongoGridFSChunkError,
  MongoGridFSStreamError,
  MongoInvalidArgumentError,
  MongoRuntimeError,
  MongoServerError,
} from "./streams/errors.ts";
export type { GridFSFile } from "./streams/file.ts";
export type { Filter } from "./streams/filter.ts";
export type { FindCursor } from "./streams/find-cursor.ts";
export { ObjectId } from "./streams/object-id.ts";
export {
  GridFSBucketWriteStream,
  type GridFSBucketWriteStreamOptions,
} from "./streams/upload-stream.ts";

/**
 * Opens the store in a folder, or makes one there. @throws QuarryError `Locked` while another process
 * has it open.
 */
export async function openStore(options: StoreOptions | string): Promise<EmbeddedStore> {
  return new EmbeddedStore(await openClient(options));
}
