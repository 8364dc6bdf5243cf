/**
 * A bucket of files as GridFS has them, with the names and options of MongoDB's driver, over any client of
 * a store: `new GridFSBucket(store)` in place of `new GridFSBucket(db)`. The bucket is one of the store's.
 */
import { EventEmitter } from "node:events";
import { hasCode } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { systemRandom } from "../../base/random.ts";
import type { StreamObject } from "../../rpc/streams.ts";
import { ROOT_USER } from "../root-user.ts";
import type { Store } from "../store.ts";
import {
  type FindFile,
  GridFSBucketReadStream,
  type GridFSBucketReadStreamOptions,
  type GridFSBucketReadStreamOptionsWithRevision,
} from "./download-stream.ts";
import { fileNotFound, MongoInvalidArgumentError } from "./errors.ts";
import { checkFilename, type GridFSFile, streamOf } from "./file.ts";
import { asStream, StreamFiles } from "./files.ts";
import type { Filter } from "./filter.ts";
import { type FindOptions, findFiles } from "./find.ts";
import { FindCursor } from "./find-cursor.ts";
import { keyOfId } from "./id-key.ts";
import { ObjectId } from "./object-id.ts";
import { GridFSBucketWriteStream, type GridFSBucketWriteStreamOptions } from "./upload-stream.ts";

export interface GridFSBucketOptions {
  /** Default `fs`. */
  readonly bucketName?: string;
  /**
   * Default 4 MiB. The driver has 255 KiB, since a chunk of its is a document that is read whole. Here
   * ranges read what they touch, and each chunk costs a write to every member of a block and an entry of
   * the metadata: few large ones are faster.
   */
  readonly chunkSizeBytes?: number;
  /** Whose bucket it will be, should it be made. Default: who owns what a program makes. */
  readonly owner?: string;
}

const DEFAULT_NAME = "fs";
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,62}$/;

export class GridFSBucket extends EventEmitter {
  /** Emitted when the first upload has found its bucket, or made it. */
  static readonly INDEX = "index" as const;

  readonly bucketName: string;
  readonly chunkSizeBytes: number;
  readonly #store: Store;
  readonly #files: StreamFiles;
  readonly #owner: string;
  #prepared: Promise<void> | undefined;

  constructor(store: Store | { readonly client: Store }, options: GridFSBucketOptions = {}) {
    super();
    this.setMaxListeners(0);
    this.#store = "client" in store ? store.client : store;
    this.bucketName = options.bucketName ?? DEFAULT_NAME;
    if (!NAME.test(this.bucketName))
      throw new MongoInvalidArgumentError(
        `${this.bucketName} cannot be a bucket: letters, digits, - . and _, at most 63`,
      );
    this.chunkSizeBytes = chunkBytesOf(options.chunkSizeBytes ?? limits.chunkBytes);
    this.#owner = options.owner ?? ROOT_USER;
    this.#files = new StreamFiles(this.#store.names, this.bucketName);
  }

  openUploadStream(
    filename: string,
    options: GridFSBucketWriteStreamOptions = {},
  ): GridFSBucketWriteStream {
    checkFilename(filename);
    const id = options.id ?? new ObjectId();
    const { metadata, uploadDate, contentType, storageClass } = options;
    const chunkSizeBytes = chunkBytesOf(options.chunkSizeBytes ?? this.chunkSizeBytes);
    return new GridFSBucketWriteStream({
      store: this.#store,
      target: {
        bucket: this.bucketName,
        key: keyOfId(id),
        conditions: { ifNoneMatch: "*" },
        ...(storageClass !== undefined && { storageClass }),
      },
      id,
      stream: streamOf({
        ...{ filename, chunkSizeBytes },
        ...(metadata !== undefined && metadata !== null && { metadata }),
        ...(uploadDate !== undefined && { uploadDate }),
      }),
      ...(contentType !== undefined && { contentType }),
      // No hash of the bytes: they are summed chunk by chunk. S3 clients see by the `-1` that it is none.
      etag: `${systemRandom.bytes(16).toString("hex")}-1`,
      prepare: () => this.#prepare(),
    });
  }

  openUploadStreamWithId(
    id: unknown,
    filename: string,
    options: GridFSBucketWriteStreamOptions = {},
  ): GridFSBucketWriteStream {
    return this.openUploadStream(filename, { ...options, id });
  }

  openDownloadStream(
    id: unknown,
    options: GridFSBucketReadStreamOptions = {},
  ): GridFSBucketReadStream {
    return new GridFSBucketReadStream(this.#opener(keyOfId(id)), String(id), options);
  }

  openDownloadStreamByName(
    filename: string,
    options: GridFSBucketReadStreamOptionsWithRevision = {},
  ): GridFSBucketReadStream {
    const { revision = -1, ...range } = options;
    if (!Number.isSafeInteger(revision))
      throw new MongoInvalidArgumentError(`revision (${revision}) must be a whole number`);
    const find: FindFile = async (offset) => {
      const found = await this.#files.revision(filename, revision);
      return found && (await this.#opener(found.key)(offset));
    };
    return new GridFSBucketReadStream(find, filename, range);
  }

  find(filter: Filter = {}, options: FindOptions = {}): FindCursor<GridFSFile> {
    return new FindCursor((what, how) => findFiles(this.#files, what, how), filter, options);
  }

  /** @throws MongoRuntimeError `ENOENT`. */
  async rename(id: unknown, filename: string): Promise<void> {
    checkFilename(filename);
    if (!(await this.#rename(keyOfId(id), filename)))
      throw fileNotFound(`File with id ${String(id)} not found`);
  }

  /** All revisions of a name. @throws MongoRuntimeError `ENOENT`. */
  async renameByName(filename: string, newFilename: string): Promise<void> {
    checkFilename(newFilename);
    await this.#eachNamed(filename, ({ key }) => this.#rename(key, newFilename));
  }

  /** @throws MongoRuntimeError `ENOENT`. */
  async delete(id: unknown): Promise<void> {
    const key = keyOfId(id);
    if ((await this.#files.byKey(key)) === undefined)
      throw fileNotFound(`File not found for id ${String(id)}`);
    await this.#delete(key);
  }

  /** All revisions of a name. @throws MongoRuntimeError `ENOENT`. */
  async deleteByName(filename: string): Promise<void> {
    await this.#eachNamed(filename, ({ key }) => this.#delete(key));
  }

  /** Deletes all files. The bucket stays, and with it what can be brought back of them. */
  async drop(): Promise<void> {
    await atOnce(this.#files.list(), ({ key }) => this.#delete(key));
  }

  async #eachNamed(
    filename: string,
    change: (file: StreamObject) => Promise<unknown>,
  ): Promise<void> {
    const named: StreamObject[] = [];
    for await (const file of this.#files.list(filename)) named.push(file);
    if (named.length === 0) throw fileNotFound(`File not found for filename ${filename}`);
    await atOnce(named, change);
  }

  #opener(key: string): FindFile {
    return async (offset) => {
      try {
        const opened = await this.#store.open({ bucket: this.bucketName, key, offset });
        const object = asStream(opened.object);
        return object && { object, take: opened.take };
      } catch (error) {
        if (hasCode(error, "NoSuchKey", "NoSuchBucket")) return undefined;
        throw error;
      }
    };
  }

  async #delete(key: string): Promise<void> {
    await this.#store.names.execute({ type: "deleteObject", bucket: this.bucketName, key });
  }

  /** False when there is no such file. One that was replaced meanwhile is looked at again. */
  async #rename(key: string, filename: string): Promise<boolean> {
    for (let attempt = 0; ; attempt++) {
      const found = await this.#files.byKey(key);
      if (found === undefined) return false;
      const { etag, stream } = found.attributes;
      try {
        await this.#store.names.execute({
          ...{ type: "describeObject", bucket: this.bucketName, key },
          seen: { etag, modifiedMs: found.modifiedMs },
          change: { stream: { ...stream, filename } },
        });
        return true;
      } catch (error) {
        if (hasCode(error, "NoSuchKey", "NoSuchBucket")) return false;
        if (!hasCode(error, "Changed") || attempt >= limits.retries) throw error;
      }
    }
  }

  /** Once; what went wrong is tried again by the next upload. */
  #prepare(): Promise<void> {
    this.#prepared ??= this.#make().catch((error: unknown) => {
      this.#prepared = undefined;
      throw error;
    });
    return this.#prepared;
  }

  async #make(): Promise<void> {
    const { names } = this.#store;
    try {
      await names.bucket(this.bucketName);
    } catch (error) {
      if (!hasCode(error, "NoSuchBucket")) throw error;
      try {
        const { bucketName: bucket } = this;
        await names.execute({ type: "createBucket", bucket, owner: this.#owner });
      } catch (refused) {
        if (!hasCode(refused, "BucketExists")) throw refused;
      }
    }
    this.emit(GridFSBucket.INDEX);
  }
}

function chunkBytesOf(chunkSizeBytes: number): number {
  if (!Number.isSafeInteger(chunkSizeBytes) || chunkSizeBytes < 1)
    throw new MongoInvalidArgumentError("chunkSizeBytes is a whole number of bytes, at least 1");
  return Math.min(chunkSizeBytes, limits.chunkBytes);
}

/** A few at the same time; resolves or rejects when none is under way any more. */
async function atOnce<T>(
  all: AsyncIterable<T> | Iterable<T>,
  change: (one: T) => Promise<unknown>,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const run = async (one: T) => {
    try {
      await change(one);
    } catch (error) {
      failures.push(error);
    }
  };
  for await (const one of all) {
    const changing = run(one).finally(() => underWay.delete(changing));
    underWay.add(changing);
    if (underWay.size >= limits.streamsAtOnce) await Promise.race(underWay);
    if (failures.length > 0) break;
  }
  await Promise.all(underWay);
  if (failures.length > 0) throw failures[0];
}
