/**
 * A bucket as a program uses it that has the store in its own process. What may be absent is
 * `undefined`; everything else that does not succeed throws.
 */
import { hasCode } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Link } from "../link.ts";
import type { OpenObject, Store } from "../store.ts";
import { type Content, HashedContent } from "./content.ts";
import { attributesOf, type ObjectStat, type PutOptions, statOf } from "./description.ts";
import { StoredObject } from "./stored-object.ts";

export class Bucket {
  readonly name: string;
  readonly #client: Store;

  constructor(client: Store, name: string) {
    this.#client = client;
    this.name = name;
  }

  /** Resolves when the object is on the disk; what had this key before can be brought back for a while. */
  async put(key: string, content: Content, options: PutOptions = {}): Promise<ObjectStat> {
    const { storageClass, conditions } = options;
    const described = attributesOf(options);
    const body = new HashedContent(content);
    const { version, modifiedMs } = await this.#client.put(
      {
        ...{ bucket: this.name, key },
        ...(storageClass !== undefined && { storageClass }),
        ...(conditions !== undefined && { conditions }),
      },
      body,
      () => ({ ...described, etag: body.etag }),
    );
    const attributes = { ...described, etag: body.etag };
    const info = { key, version, modifiedMs, lengthBytes: body.readBytes, attributes };
    return statOf({ ...info, deleteMarker: false });
  }

  /** The object as it is now; its bytes are read when they are asked for. */
  async get(key: string): Promise<StoredObject | undefined> {
    const opened = await this.#open(key, 0);
    return opened && new StoredObject(opened);
  }

  async stat(key: string): Promise<ObjectStat | undefined> {
    const opened = await this.#open(key);
    return opened && statOf(opened.object);
  }

  /** In the order of their keys as UTF-8. */
  async *list(prefix = ""): AsyncGenerator<ObjectStat> {
    for (let after = ""; ; ) {
      const page = await this.#client.names.list({
        ...{ bucket: this.name, prefix, delimiter: "", after },
        limit: limits.listKeys,
      });
      for (const object of page.objects) yield statOf(object);
      if (!page.truncated || page.last === undefined) return;
      after = page.last;
    }
  }

  /** Whether there was one or not; {@link undelete} brings it back for a while. */
  async delete(key: string): Promise<void> {
    await this.#client.names.execute({ type: "deleteObject", bucket: this.name, key });
  }

  /** @throws QuarryError `NoSuchKey` when nothing is held of it any more. */
  async undelete(key: string): Promise<void> {
    await this.#client.names.execute({ type: "undelete", bucket: this.name, key });
  }

  /** A second name for the same bytes, in this bucket; none are moved. */
  async copy(from: string, to: string): Promise<Link> {
    const { name: bucket } = this;
    return await this.#client.link({ from: { bucket, key: from }, to: { bucket, key: to } });
  }

  async #open(key: string, offset?: number): Promise<OpenObject | undefined> {
    try {
      const opened = await this.#client.open({
        ...{ bucket: this.name, key },
        ...(offset !== undefined && { offset }),
      });
      return opened.object.deleteMarker ? undefined : opened;
    } catch (error) {
      if (hasCode(error, "NoSuchKey")) return undefined;
      throw error;
    }
  }
}
