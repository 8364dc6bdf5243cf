/** A store in the program's own process: objects, streams, files by fid, and links between them. */
import { hasCode, QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { isBucketName } from "../bucket-name.ts";
import type { Link, LinkRequest } from "../link.ts";
import { ROOT_USER } from "../root-user.ts";
import type { Store } from "../store.ts";
import { GridFSBucket, type GridFSBucketOptions } from "../streams/bucket.ts";
import { Bucket } from "./bucket.ts";
import { Files } from "./files.ts";

export class EmbeddedStore implements AsyncDisposable {
  /** What the faces are built on: commands, queries, uploads in parts, versions. */
  readonly client: Store;

  constructor(client: Store) {
    this.client = client;
  }

  /** Makes it when there is none. @throws QuarryError `InvalidArgument` for a name that S3 would not take. */
  async bucket(name: string): Promise<Bucket> {
    await this.#have(name);
    return new Bucket(this.client, name);
  }

  /** Names of all buckets that this program, or the root user of `quarry serve`, has made. */
  async *buckets(): AsyncGenerator<string> {
    for (let after = ""; ; ) {
      const page = await this.client.names.buckets(ROOT_USER, after, limits.listKeys);
      for (const { name } of page) yield name;
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.name;
    }
  }

  /** @throws QuarryError `BucketNotEmpty`. */
  async removeBucket(name: string): Promise<void> {
    await this.client.names.execute({ type: "deleteBucket", bucket: name });
  }

  /** Files of a bucket that have fids; the bucket is made when there is none. */
  async files(bucket: string): Promise<Files> {
    await this.#have(bucket);
    return new Files(this.client, bucket);
  }

  /** A bucket of streams, with the methods of MongoDB's driver; it is made by its first upload. */
  streams(bucketName = "fs", options: Omit<GridFSBucketOptions, "bucketName"> = {}): GridFSBucket {
    return new GridFSBucket(this.client, { ...options, bucketName });
  }

  /** Another name for the bytes of a name; none are moved, and each name goes for itself. */
  async link(request: LinkRequest): Promise<Link> {
    return await this.client.link(request);
  }

  async #have(bucket: string): Promise<void> {
    const { names } = this.client;
    try {
      await names.bucket(bucket);
    } catch (error) {
      if (!hasCode(error, "NoSuchBucket")) throw error;
      await this.#make(bucket);
    }
  }

  /** Whoever else makes it in this moment makes the same. */
  async #make(bucket: string): Promise<void> {
    if (!isBucketName(bucket))
      throw new QuarryError(
        "InvalidArgument",
        `${bucket} cannot be a bucket: 3 to 63 of a-z, 0-9, - and ., as S3 has them`,
      );
    try {
      await this.client.names.execute({ type: "createBucket", bucket, owner: ROOT_USER });
    } catch (error) {
      if (!hasCode(error, "BucketExists")) throw error;
    }
  }

  /** Ends what runs beside the work, and leaves the folder to whoever opens it next. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
  }
}
