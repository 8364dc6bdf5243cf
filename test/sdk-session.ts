/** A gateway on a store in memory, and two users with the AWS SDK who work on its buckets. */
import * as s3 from "@aws-sdk/client-s3";
import { expect } from "vitest";
import { other, type RunningGateway, runGateway, user } from "./gateway-running.ts";
import { memoryStore } from "./memory-store.ts";

export class SdkSession implements AsyncDisposable {
  readonly client: s3.S3Client;
  readonly stranger: s3.S3Client;
  readonly running: RunningGateway;
  readonly #close: () => Promise<void>;
  #buckets = 0;

  private constructor(running: RunningGateway, close: () => Promise<void>) {
    this.running = running;
    this.client = clientOf(running, user);
    this.stranger = clientOf(running, other);
    this.#close = close;
  }

  static async open(): Promise<SdkSession> {
    const store = await memoryStore();
    const running = await runGateway(store);
    return new SdkSession(running, async () => {
      await running.gateway.close();
      await store[Symbol.asyncDispose]();
    });
  }

  async configure(Bucket: string, Status: "Enabled" | "Suspended"): Promise<void> {
    await this.client.send(
      new s3.PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }),
    );
  }

  async newBucket(status?: "Enabled" | "Suspended"): Promise<string> {
    const Bucket = `bucket-${this.#buckets++}`;
    await this.client.send(new s3.CreateBucketCommand({ Bucket }));
    if (status !== undefined) await this.configure(Bucket, status);
    return Bucket;
  }

  async put(
    Bucket: string,
    Key: string,
    Body: string,
    more: Partial<s3.PutObjectCommandInput> = {},
  ): Promise<s3.PutObjectCommandOutput> {
    return await this.client.send(new s3.PutObjectCommand({ Bucket, Key, Body, ...more }));
  }

  async remove(
    Bucket: string,
    Key: string,
    more: Partial<s3.DeleteObjectCommandInput> = {},
  ): Promise<s3.DeleteObjectCommandOutput> {
    return await this.client.send(new s3.DeleteObjectCommand({ Bucket, Key, ...more }));
  }

  async read(Bucket: string, Key: string, VersionId?: string) {
    const got = await this.client.send(new s3.GetObjectCommand({ Bucket, Key, VersionId }));
    return { body: await got.Body?.transformToString(), version: got.VersionId };
  }

  async versions(
    Bucket: string,
    more: Partial<s3.ListObjectVersionsCommandInput> = {},
  ): Promise<s3.ListObjectVersionsCommandOutput> {
    return await this.client.send(new s3.ListObjectVersionsCommand({ Bucket, ...more }));
  }

  /** The answer of a plain signed request, with its headers. */
  async plain(method: string, path: string, more: Record<string, string> = {}): Promise<Response> {
    const { headers } = this.running.sign(method, path, more, "UNSIGNED-PAYLOAD");
    return await fetch(`${this.running.endpoint}${path}`, { method, headers });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.destroy();
    this.stranger.destroy();
    await this.#close();
  }
}

function clientOf(running: RunningGateway, who: typeof user): s3.S3Client {
  return new s3.S3Client({
    endpoint: running.endpoint,
    region: who.region,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: who.accessKey, secretAccessKey: who.secretKey },
  });
}

/** What the SDK throws for a refusal. */
export const refused = (name: string, status: number) => ({
  name,
  $metadata: expect.objectContaining({ httpStatusCode: status }) as unknown,
});
