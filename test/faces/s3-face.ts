/** S3 keys of two buckets, over HTTP. A name is `s3:bucket/key`. */
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { Store } from "../../client/store.ts";
import type { Face, Span } from "./face.ts";

const BUCKETS = ["faces-one", "faces-two"] as const;
const KEYS_PER_CLIENT = 40;

export async function makeBuckets(client: S3Client): Promise<void> {
  for (const Bucket of BUCKETS) await client.send(new CreateBucketCommand({ Bucket }));
}

export function s3Face(client: S3Client, store: Store): Face {
  return {
    ...{ kind: "s3", naming: "again" },
    draw: (index, number) =>
      `s3:${BUCKETS[number % 2]}/client-${index}/${(number >>> 1) % KEYS_PER_CLIENT}`,
    async put(name, content) {
      await client.send(new PutObjectCommand({ ...at(name), Body: content }));
      return name;
    },
    async link(from, name) {
      await store.link({ from, to: placeOf(name) });
      return name;
    },
    read: (name, span) => read(client, name, span),
    async remove(name) {
      await client.send(new DeleteObjectCommand(at(name)));
    },
    async restore(name) {
      const { bucket, key } = placeOf(name);
      await store.names.execute({ type: "undelete", bucket, key });
    },
    source: placeOf,
    holds: () => ({ content: true, more: 0 }),
    isListed: () => true,
    async list() {
      const found = new Set<string>();
      for (const Bucket of BUCKETS) {
        let StartAfter = "";
        for (;;) {
          const page = await client.send(
            new ListObjectsV2Command({ Bucket, MaxKeys: 50, StartAfter }),
          );
          for (const { Key = "" } of page.Contents ?? []) {
            found.add(`s3:${Bucket}/${Key}`);
            StartAfter = Key;
          }
          if (page.IsTruncated !== true) break;
        }
      }
      return found;
    },
  };
}

function placeOf(name: string): { readonly bucket: string; readonly key: string } {
  const [bucket = "", ...key] = name.slice("s3:".length).split("/");
  return { bucket, key: key.join("/") };
}

function at(name: string): { readonly Bucket: string; readonly Key: string } {
  const { bucket: Bucket, key: Key } = placeOf(name);
  return { Bucket, Key };
}

async function read(client: S3Client, name: string, span?: Span): Promise<Buffer | undefined> {
  const Range = span && `bytes=${span.start}-${span.end - 1}`;
  try {
    const { Body } = await client.send(
      new GetObjectCommand({ ...at(name), ...(Range !== undefined && { Range }) }),
    );
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  } catch (error) {
    if ((error as Error).name === "NoSuchKey") return undefined;
    throw error;
  }
}
