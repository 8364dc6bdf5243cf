/**
 * What the FastDFS faces do with files, whatever carries the requests. A group is a bucket, what stands
 * behind it in an id is the key; only keys that FastDFS could have made are read or written. A file's
 * CRC32 is kept as the object's checksum, its MD5 as its ETag, so that it is an ordinary object for S3.
 */

import type { Clock } from "../../base/clock.ts";
import { assert, hasCode, QuarryError } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import { ContentSums, crcAttribute, crcOf } from "../../client/fastdfs/content-sums.ts";
import {
  checkExtension,
  encodeName,
  type FileKey,
  newKey,
  parseKey,
  renamedKey,
  slaveKey,
} from "../../client/fastdfs/file-id.ts";
import type { Body, OpenObject, Store } from "../../client/store.ts";
import type { ObjectInfo } from "../../rpc/name-service.ts";
import { checkMetadata, type Metadata } from "./metadata.ts";

export interface FilesOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
}

export interface FileInfo {
  readonly lengthBytes: number;
  readonly modifiedS: number;
  readonly source: string;
  /** Absent when it was not asked for and would have to be computed. */
  readonly crc32?: number;
}

/** Where a file is, and what its name says. */
interface Named extends FileKey {
  readonly bucket: string;
  readonly key: string;
}

export class Files {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor({ store, clock, random }: FilesOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#random = random;
  }

  readonly #digit = () => this.#random.u32() % 10;

  #newName(source: string, appender: boolean, sums: ContentSums): string {
    const size = appender
      ? ({ kind: "appender" } as const)
      : ({ kind: "normal", lengthBytes: sums.lengthBytes } as const);
    const createdS = Math.floor(this.#clock.nowMs() / 1000);
    return encodeName({ source, createdS, size, crc32: sums.crc32 }, this.#random.u32());
  }

  /** Resolves with the key. @param where `source` is the address that the name tells. */
  async upload(
    where: { readonly group: string; readonly source: string; readonly owner?: string },
    what: { readonly extension: string; readonly appender: boolean },
    body: Body,
  ): Promise<string> {
    checkExtension(what.extension);
    let key = "";
    await this.#put(where, body, (sums) => {
      key = newKey(this.#newName(where.source, what.appender, sums), what.extension, this.#digit);
      return key;
    });
    return key;
  }

  async uploadSlave(
    group: string,
    slave: { readonly master: string; readonly prefix: string; readonly extension: string },
    body: Body,
    owner?: string,
  ): Promise<string> {
    const key = slaveKey(slave.master, slave.prefix, slave.extension);
    await this.#look(group, slave.master);
    await this.#put({ group, ...(owner !== undefined && { owner }) }, body, () => key);
    return key;
  }

  async #put(
    { group, owner }: { readonly group: string; readonly owner?: string },
    body: Body,
    key: (sums: ContentSums) => string,
  ): Promise<void> {
    const sums = new ContentSums();
    const { lengthBytes } = body;
    const counted = {
      bytes: sums.over(body.bytes),
      ...(lengthBytes !== undefined && { lengthBytes }),
    };
    const target = { bucket: group, key: () => key(sums), conditions: { ifNoneMatch: "*" } };
    await this.#store.put(target, counted, () => ({
      etag: sums.md5(),
      checksum: crcAttribute(sums.crc32),
      ...(owner !== undefined && { owner }),
    }));
  }

  async append(group: string, key: string, body: Body): Promise<void> {
    const { bucket } = appender(group, key);
    await this.#look(group, key);
    if (body.lengthBytes === 0) return;
    await this.#store.splice({ bucket, key }, body);
  }

  /** Puts the body over what stands there from `offset` on; it may reach behind the end. */
  async modify(
    group: string,
    key: string,
    offset: number,
    body: Body & { readonly lengthBytes: number },
  ): Promise<void> {
    const { bucket } = appender(group, key);
    const { lengthBytes } = await this.#look(group, key);
    if (offset > lengthBytes)
      throw new QuarryError("InvalidArgument", `the file has ${lengthBytes} bytes`);
    if (body.lengthBytes === 0) return;
    const from = offset + body.lengthBytes;
    await this.#store.splice({ bucket, key, keep: offset, from }, body);
  }

  /** A longer file is cut off. A shorter one is refused: holes are nobody's bytes. */
  async truncate(group: string, key: string, lengthBytes: number): Promise<void> {
    const { bucket } = appender(group, key);
    const object = await this.#look(group, key);
    if (object.lengthBytes === lengthBytes) return;
    await this.#store.splice({ bucket, key, keep: lengthBytes });
  }

  /** @param offset where reading will begin; absent: nothing will be read. */
  async open(group: string, key: string, offset?: number): Promise<OpenObject> {
    const { bucket } = named(group, key);
    const begin = offset !== undefined && { offset };
    const opened = await this.#store.open({ bucket, key, ...begin });
    checkThere(opened.object);
    return opened;
  }

  async info(group: string, key: string, computeCrc: boolean): Promise<FileInfo> {
    const file = named(group, key);
    const opened = await this.open(group, key, 0);
    const { lengthBytes, modifiedMs, attributes } = opened.object;
    const told = crcOf(attributes) ?? (tellsOf(file, lengthBytes) ? file.crc32 : undefined);
    const crc32 = told ?? (computeCrc ? await readCrc(opened) : undefined);
    const modifiedS = Math.floor(modifiedMs / 1000);
    return {
      ...{ lengthBytes, modifiedS, source: file.source },
      ...(crc32 !== undefined && { crc32 }),
    };
  }

  async remove(group: string, key: string): Promise<void> {
    const { bucket } = named(group, key);
    await this.#look(group, key);
    await this.#store.names.execute({ type: "deleteObject", bucket, key });
  }

  async metadata(group: string, key: string): Promise<Metadata> {
    return (await this.#look(group, key)).attributes.userMetadata ?? {};
  }

  async setMetadata(
    group: string,
    key: string,
    metadata: Metadata,
    how: "overwrite" | "merge",
  ): Promise<void> {
    const { bucket } = named(group, key);
    checkMetadata(metadata);
    const none = Object.keys(metadata).length === 0;
    const change =
      how === "merge"
        ? { change: {}, merge: metadata }
        : { change: { userMetadata: none ? null : metadata } };
    await this.#look(group, key);
    await this.#store.names.execute({ type: "describeObject", bucket, key, ...change });
  }

  /**
   * Makes a normal file of an appender: the same bytes under a name that tells their length and CRC32.
   * The old name goes only if nothing was appended meanwhile.
   */
  async regenerate(group: string, key: string): Promise<string> {
    const { bucket, source } = appender(group, key);
    const opened = await this.open(group, key, 0);
    const { attributes, modifiedMs, lengthBytes } = opened.object;
    const crc32 = crcOf(attributes) ?? (await readCrc(opened));
    const createdS = Math.floor(modifiedMs / 1000);
    const size = { kind: "normal", lengthBytes } as const;
    const name = encodeName({ source, createdS, size, crc32 }, this.#random.u32());
    const renamed = renamedKey(key, name, this.#digit);
    const { names } = this.#store;
    const seen = { etag: attributes.etag, modifiedMs };
    await names.execute({
      ...{ type: "copyObject", bucket, key: renamed, source: { bucket, key, seen } },
      change: { checksum: crcAttribute(crc32) },
      conditions: { ifNoneMatch: "*" },
    });
    try {
      const conditions = { ifMatch: attributes.etag };
      await names.execute({ type: "deleteObject", bucket, key, conditions });
    } catch (error) {
      // Whether the old name is there still nobody can say then: the new one may be the last.
      if (!hasCode(error, "ConditionFailed")) throw error;
      await names.execute({ type: "deleteObject", bucket, key: renamed });
      throw new QuarryError("Busy", "the file was changed meanwhile; try again", { cause: error });
    }
    return renamed;
  }

  async #look(group: string, key: string): Promise<ObjectInfo> {
    const { bucket } = named(group, key);
    const { object } = await this.#store.names.lookup({ bucket, key });
    checkThere(object);
    return object;
  }
}

function checkThere(object: ObjectInfo): void {
  if (object.deleteMarker) throw new QuarryError("NoSuchKey", `there is no file ${object.key}`);
}

/** Whether the name tells the bytes that are there: S3 may have put others under it. */
const tellsOf = ({ slave, size }: FileKey, lengthBytes: number) =>
  !slave && size.kind !== "appender" && size.lengthBytes === lengthBytes;

/** @throws QuarryError `InvalidArgument` for what is no file id. */
function named(group: string, key: string): Named {
  const parsed = parseKey(key);
  if (parsed === undefined) throw new QuarryError("InvalidArgument", `${key} is no file id`);
  return { ...parsed, bucket: group, key };
}

function appender(group: string, key: string): Named {
  const file = named(group, key);
  if (file.size.kind !== "appender" || file.slave)
    throw new QuarryError("InvalidArgument", "only an appender file can be changed");
  return file;
}

async function readCrc(opened: OpenObject): Promise<number> {
  const sums = new ContentSums();
  for await (const _ of sums.over(opened.read(0, opened.object.lengthBytes)));
  assert(sums.lengthBytes === opened.object.lengthBytes, "all of the file was read");
  return sums.crc32;
}
