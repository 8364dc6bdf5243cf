/** A gateway over a store in memory, an SDK client of it, and short words for what tests do often. */
import * as s3 from "@aws-sdk/client-s3";
import { expect } from "vitest";
import type { NameService } from "../rpc/name-service.ts";
import { runGateway, user } from "./gateway-running.ts";
import { memoryStore } from "./memory-store.ts";

export interface SdkGateway extends AsyncDisposable {
  readonly client: s3.S3Client;
  /** Behind the gateway. */
  readonly names: NameService;
  clientOf(who: typeof user): s3.S3Client;
  /** Called before a command reaches the nameserver. */
  before: ((type: string) => Promise<void>) | undefined;
  put(
    Key: string,
    Body: Uint8Array | string,
    more?: Partial<s3.PutObjectCommandInput>,
  ): Promise<s3.PutObjectCommandOutput>;
  get(Key: string, more?: Partial<s3.GetObjectCommandInput>): Promise<s3.GetObjectCommandOutput>;
  head(Key: string, more?: Partial<s3.HeadObjectCommandInput>): Promise<s3.HeadObjectCommandOutput>;
  bytesOf(Key: string, more?: Partial<s3.GetObjectCommandInput>): Promise<Buffer>;
  copy(
    CopySource: string,
    Key: string,
    more?: Partial<s3.CopyObjectCommandInput>,
  ): Promise<s3.CopyObjectCommandOutput>;
}

/** With one bucket, in which everything happens unless it is said otherwise. */
export async function sdkGateway(Bucket: string): Promise<SdkGateway> {
  const plain = await memoryStore();
  const { names } = plain;
  const hook: Pick<SdkGateway, "before"> = { before: undefined };
  const execute: typeof names.execute = async (command) => {
    await hook.before?.(command.type);
    return await names.execute(command);
  };
  const running = await runGateway({ ...plain, names: { ...names, execute } });
  const clientOf = (who: typeof user) =>
    new s3.S3Client({
      endpoint: running.endpoint,
      region: who.region,
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId: who.accessKey, secretAccessKey: who.secretKey },
    });
  const client = clientOf(user);
  await client.send(new s3.CreateBucketCommand({ Bucket }));
  const get: SdkGateway["get"] = (Key, more) =>
    client.send(new s3.GetObjectCommand({ Bucket, Key, ...more }));
  return Object.assign(hook, {
    client,
    names,
    clientOf,
    put: (Key: string, Body: Uint8Array | string, more?: Partial<s3.PutObjectCommandInput>) =>
      client.send(new s3.PutObjectCommand({ Bucket, Key, Body, ...more })),
    get,
    head: (Key: string, more?: Partial<s3.HeadObjectCommandInput>) =>
      client.send(new s3.HeadObjectCommand({ Bucket, Key, ...more })),
    bytesOf: async (Key: string, more?: Partial<s3.GetObjectCommandInput>) =>
      Buffer.from((await (await get(Key, more)).Body?.transformToByteArray()) ?? []),
    copy: (CopySource: string, Key: string, more?: Partial<s3.CopyObjectCommandInput>) =>
      client.send(new s3.CopyObjectCommand({ Bucket, Key, CopySource, ...more })),
    async [Symbol.asyncDispose]() {
      client.destroy();
      await running.gateway.close();
      await plain[Symbol.asyncDispose]();
    },
  } satisfies Omit<SdkGateway, "before">);
}

/** What the SDK throws for such an error. */
export const refused = (name: string, status: number) => ({
  name,
  $metadata: expect.objectContaining({ httpStatusCode: status }),
});

/** A 32-bit checksum as S3 writes it. */
export function base64Of(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes.toString("base64");
}
