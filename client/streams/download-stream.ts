/** Reads a file, or a range of it, as fast as its reader takes the bytes; each was verified before. */
import { Readable } from "node:stream";
import { hasCode } from "../../base/errors.ts";
import type { StreamObject } from "../../rpc/streams.ts";
import type { OpenObject } from "../store.ts";
import {
  fileNotFound,
  MongoGridFSChunkError,
  MongoGridFSStreamError,
  MongoInvalidArgumentError,
} from "./errors.ts";
import { fileOf, type GridFSFile } from "./file.ts";

export interface GridFSBucketReadStreamOptions {
  /** Offset of the first byte; default 0. */
  readonly start?: number;
  /** Offset behind the last byte; default the end of the file. */
  readonly end?: number;
}

export interface GridFSBucketReadStreamOptionsWithRevision extends GridFSBucketReadStreamOptions {
  /** Among the files of a name: 0 is the oldest, 1 the next, -1 the newest (default), -2 that before. */
  readonly revision?: number;
}

/** A file that was found. */
export interface FoundFile {
  readonly object: StreamObject;
  readonly take: OpenObject["take"];
}

/** The look for a file; reading will begin at `offset`. */
export type FindFile = (offset: number) => Promise<FoundFile | undefined>;

export class GridFSBucketReadStream extends Readable {
  /** Emitted with the {@link GridFSFile} before its first byte. */
  static readonly FILE = "file" as const;

  readonly #find: FindFile;
  /** As errors name it. */
  readonly #name: string;
  #range: GridFSBucketReadStreamOptions;
  #opening = false;
  #views: AsyncIterator<Uint8Array> | undefined;

  constructor(find: FindFile, name: string, options: GridFSBucketReadStreamOptions) {
    super({ emitClose: true });
    this.#find = find;
    this.#name = name;
    this.#range = { ...options };
  }

  /** @throws MongoGridFSStreamError once reading has begun. */
  start(start = 0): this {
    this.#checkFresh();
    this.#range = { ...this.#range, start };
    return this;
  }

  /** @throws MongoGridFSStreamError once reading has begun. */
  end(end: number): this {
    this.#checkFresh();
    this.#range = { ...this.#range, end };
    return this;
  }

  override _read(): void {
    this.#step().catch((error: unknown) => this.destroy(asReadError(error)));
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const ending = Promise.resolve(this.#views?.return?.());
    ending.then(
      () => callback(error),
      () => callback(error),
    );
  }

  /** Ends the stream: nothing more comes, and what it held is let go of. */
  async abort(): Promise<void> {
    this.push(null);
    this.destroy();
  }

  async #step(): Promise<void> {
    if (this.#views === undefined) {
      const opened = await this.#open();
      // Who went meanwhile would end reading before it begins, and never again: it keeps its memory then.
      if (this.destroyed) return;
      this.#views = opened[Symbol.asyncIterator]();
    }
    const view = await this.#views.next();
    if (this.destroyed) return;
    if (view.done === true) this.push(null);
    else this.push(bufferOf(view.value));
  }

  async #open(): Promise<AsyncIterable<Uint8Array>> {
    this.#opening = true;
    const found = await this.#find(Math.max(0, this.#range.start ?? 0));
    if (found === undefined) throw fileNotFound(`FileNotFound: file ${this.#name} was not found`);
    const file = fileOf(found.object);
    const { start, end } = checkedRange(this.#range, file);
    if (!this.destroyed) this.emit(GridFSBucketReadStream.FILE, file);
    return found.take(start, end - start);
  }

  #checkFresh(): void {
    if (this.#opening)
      throw new MongoGridFSStreamError("Options cannot be changed after the stream is initialized");
  }
}

const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array) =>
  Buffer.from(buffer, byteOffset, byteLength);

/** @throws MongoInvalidArgumentError as the driver does. */
function checkedRange(
  { start = 0, end }: GridFSBucketReadStreamOptions,
  { length }: GridFSFile,
): { readonly start: number; readonly end: number } {
  const refuse = (what: string) => {
    throw new MongoInvalidArgumentError(`Stream ${what}`);
  };
  if (start > length)
    refuse(`start (${start}) must not be more than the length of the file (${length})`);
  if (!(start >= 0)) refuse(`start (${start}) must not be negative`);
  if (end !== undefined && end < start)
    refuse(`start (${start}) must not be greater than stream end (${end})`);
  if (end !== undefined && end > length)
    refuse(`end (${end}) must not be more than the length of the file (${length})`);
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end ?? 0))
    refuse("start and end must be whole numbers");
  return { start, end: end ?? length };
}

/** Bytes that cannot be had as they were stored are a wrong chunk to users of GridFS. */
function asReadError(error: unknown): Error {
  if (hasCode(error, "Damaged", "NoSuchBlock", "NoSuchNeedle"))
    return new MongoGridFSChunkError(`ChunkIsMissing or ChunkIsWrongSize: ${error.message}`, {
      cause: error,
    });
  return error as Error;
}
