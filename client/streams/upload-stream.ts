/**
 * Writes a file: its bytes go to the store as they come, and the file is there when `finish` is emitted,
 * whole or not at all (INV-1).
 */
import { Writable } from "node:stream";
import { hasCode } from "../../base/errors.ts";
import type { StreamInfo } from "../../rpc/streams.ts";
import type { PutTarget, Store } from "../store.ts";
import type { Document } from "./documents.ts";
import { duplicateId, MongoAPIError } from "./errors.ts";
import { fileOf, type GridFSFile } from "./file.ts";
import { Handoff } from "./handoff.ts";

export interface GridFSBucketWriteStreamOptions {
  /** Default that of the bucket; at most `limits.chunkBytes` (4 MiB), which is taken for more. */
  readonly chunkSizeBytes?: number;
  /** Default a new ObjectId. */
  readonly id?: unknown;
  readonly metadata?: Document;
  /** What a browser is told that it is. */
  readonly contentType?: string;
  /** Of a file that was uploaded elsewhere before. Default: the moment in which this upload ends. */
  readonly uploadDate?: Date;
  readonly storageClass?: string;
}

/** What an upload is told by its bucket. */
export interface Upload {
  readonly store: Store;
  readonly target: PutTarget;
  readonly id: unknown;
  readonly stream: StreamInfo;
  readonly contentType?: string;
  /** Of no other upload. */
  readonly etag: string;
  /** Makes sure that there is a bucket. */
  readonly prepare: () => Promise<void>;
}

export class GridFSBucketWriteStream extends Writable {
  // biome-ignore lint/suspicious/noExplicitAny: an ObjectId, unless another was given
  readonly id: any;
  readonly filename: string;
  readonly chunkSizeBytes: number;
  /** Bytes written so far. */
  length = 0;
  done = false;
  readonly state = { streamEnd: false, errored: false, aborted: false };
  /** The file, once `finish` is emitted. */
  gridFSFile: GridFSFile | null = null;
  readonly #upload: Upload;
  readonly #handoff = new Handoff();
  #storing: Promise<void> | undefined;

  constructor(upload: Upload) {
    super();
    this.#upload = upload;
    this.id = upload.id;
    this.filename = upload.stream.filename ?? "";
    this.chunkSizeBytes = upload.stream.chunkSizeBytes;
  }

  override _construct(callback: (error?: Error | null) => void): void {
    this.#upload.prepare().then(() => callback(), callback);
  }

  override _write(
    chunk: Uint8Array | string,
    encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    if (this.state.aborted) {
      callback(aborted());
      return;
    }
    const bytes = typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk;
    this.length += bytes.length;
    this.#storing ??= this.#begin();
    this.#handoff.give(bytes, callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (this.state.aborted) {
      callback(aborted());
      return;
    }
    this.state.streamEnd = true;
    this.#handoff.end();
    this.#storing ??= this.#begin();
    this.#storing.then(() => callback(), callback);
  }

  /** What was stored of a file that is given up goes, before `close` is emitted. */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (error !== null) this.state.errored = true;
    this.#handoff.fail(error ?? aborted());
    const end = () => callback(error);
    if (this.#storing === undefined) end();
    else this.#storing.then(end, end);
  }

  /**
   * Gives the upload up: nothing is left of it, and later writes fail.
   * @throws MongoAPIError for a stream that was ended or aborted before.
   */
  async abort(): Promise<void> {
    if (this.state.streamEnd)
      throw new MongoAPIError("Cannot abort a stream that has already completed");
    if (this.state.aborted) throw new MongoAPIError("Cannot call abort() on a stream twice");
    this.state.aborted = true;
    this.#handoff.fail(aborted());
    await this.#storing?.catch(ignoreAborted);
  }

  #begin(): Promise<void> {
    const storing = this.#store();
    // Of an upload that was aborted nobody needs to hear that.
    storing.catch((error: Error) => {
      if (!this.state.aborted) this.destroy(error);
    });
    return storing;
  }

  async #store(): Promise<void> {
    const { store, target, stream, contentType, etag } = this.#upload;
    const attributes = { etag, stream, ...(contentType !== undefined && { contentType }) };
    try {
      const { modifiedMs } = await store.put(
        target,
        { bytes: this.#handoff, chunkBytes: stream.chunkSizeBytes },
        () => attributes,
      );
      const { key } = target;
      this.gridFSFile = fileOf({ key, modifiedMs, lengthBytes: this.length, attributes });
      this.done = true;
    } catch (error) {
      throw hasCode(error, "ConditionFailed") ? duplicateId(target.key, error) : error;
    }
  }
}

const aborted = () => new MongoAPIError("Stream has been aborted");

function ignoreAborted(error: unknown): void {
  if (!(error instanceof MongoAPIError)) throw error;
}
