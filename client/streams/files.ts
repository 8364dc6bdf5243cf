/** The files of a bucket, found by id, by filename and revision, or all of them. */
import { hasCode } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { NameService, ObjectInfo } from "../../rpc/name-service.ts";
import type { StreamObject } from "../../rpc/streams.ts";

export class StreamFiles {
  readonly #names: NameService;
  readonly bucket: string;

  constructor(names: NameService, bucket: string) {
    this.#names = names;
    this.bucket = bucket;
  }

  async byKey(key: string): Promise<StreamObject | undefined> {
    try {
      const { object } = await this.#names.lookup({ bucket: this.bucket, key });
      return asStream(object);
    } catch (error) {
      if (hasCode(error, "NoSuchKey", "NoSuchBucket")) return undefined;
      throw error;
    }
  }

  /** All files, in the order of their keys, or those of a filename, newest first. */
  async *list(filename?: string): AsyncGenerator<StreamObject> {
    const { bucket } = this;
    const named = filename === undefined ? {} : { filename };
    // Who wants one file asks for few; who goes on gets larger pages.
    let limit = filename === undefined ? limits.listKeys : 1;
    for (let after: string | undefined = ""; after !== undefined; ) {
      const page = await this.#page({ bucket, ...named, after, limit });
      yield* page.streams;
      after = page.next;
      limit = Math.min(limit * 8, limits.listKeys);
    }
  }

  /** 0 is the oldest, -1 the newest, as the driver counts. */
  async revision(filename: string, revision: number): Promise<StreamObject | undefined> {
    if (revision < 0) {
      let left = -revision;
      for await (const found of this.list(filename)) if (--left === 0) return found;
      return undefined;
    }
    /** The oldest of those seen, as many as it takes. */
    const oldest: StreamObject[] = [];
    for await (const found of this.list(filename)) {
      oldest.push(found);
      if (oldest.length > revision + 1) oldest.shift();
    }
    return oldest.length === revision + 1 ? oldest[0] : undefined;
  }

  async #page(request: Parameters<NameService["streams"]>[0]) {
    try {
      return await this.#names.streams(request);
    } catch (error) {
      if (hasCode(error, "NoSuchBucket")) return { streams: [] };
      throw error;
    }
  }
}

/** Undefined for an object that is no stream, or was deleted. */
export function asStream(object: ObjectInfo): StreamObject | undefined {
  const { stream } = object.attributes;
  if (stream === undefined || object.deleteMarker) return undefined;
  return { ...object, attributes: { ...object.attributes, stream } };
}
