/** Objects that were acknowledged, to be found again whatever happened since. */
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { expect } from "vitest";

export const BUCKET = "kept";

export class Stored {
  readonly #acknowledged = new Map<string, Buffer>();

  get size(): number {
    return this.#acknowledged.size;
  }

  async begin(client: S3Client): Promise<void> {
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  }

  /** Stores an object; what the store refuses is thrown, and not expected to be there. */
  async put(client: S3Client, key: string, body: Buffer): Promise<void> {
    await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }));
    this.#acknowledged.set(key, body);
  }

  /** A few objects of several sizes. */
  async some(client: S3Client): Promise<void> {
    await this.begin(client);
    for (const [i, length] of [0, 1, 5000, 300_000].entries())
      await this.put(client, `kept/${i}`, Buffer.alloc(length, 65 + i));
  }

  forget(key: string): void {
    this.#acknowledged.delete(key);
  }

  /** Everything that was acknowledged is there, byte for byte. */
  async check(client: S3Client): Promise<void> {
    for (const [key, body] of this.#acknowledged) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
      const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
      expect(bytes.equals(body), key).toBe(true);
    }
  }
}
