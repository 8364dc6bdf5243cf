/** Deletes all under a prefix: the objects, or every version and delete marker of them. */
import type { S3Client } from "@aws-sdk/client-s3";
import { errorName } from "../exit-code.ts";
import { type Doomed, deleteKeys } from "./delete-keys.ts";
import { type Includes, includesAll } from "./filters.ts";
import { listObjects } from "./listing.ts";
import { listVersions } from "./listing-versions.ts";
import { type Location, urlOf } from "./location.ts";
import { printable } from "./printable.ts";
import type { Report } from "./report.ts";

export interface DeleteTreeOptions {
  readonly versions: boolean;
  readonly includes?: Includes;
  readonly dryRun?: boolean;
}

/** Returns how many were (or would be) deleted; failures are the report's. */
export async function deleteTree(
  client: S3Client,
  report: Report,
  at: Location,
  { versions, includes = includesAll([]), dryRun = false }: DeleteTreeOptions,
): Promise<number> {
  let count = 0;
  const urlOfDoomed = ({ key }: Doomed) => urlOf({ bucket: at.bucket, key });
  const deleted = (one: Doomed) => {
    count++;
    report.step(
      () => `deleted ${printable(urlOfDoomed(one))}`,
      () => ({ type: "delete", bucket: at.bucket, ...one }),
    );
  };
  const failed = (one: Doomed, error: unknown) => report.failed(urlOfDoomed(one), error);
  const isMeant = ({ key }: Doomed) => includes(key.slice(at.key.length));
  const doomed = filtered(versions ? everyVersion(client, at) : currentKeys(client, at), isMeant);
  if (!dryRun) await deleteKeys(client, at.bucket, doomed, { deleted, failed });
  else
    for await (const one of doomed) {
      count++;
      report.result(`would delete ${printable(urlOfDoomed(one))}`, {
        type: "would-delete",
        bucket: at.bucket,
        ...one,
      });
    }
  return count;
}

async function* filtered<T>(
  items: AsyncIterable<T>,
  isMeant: (item: T) => boolean,
): AsyncGenerator<T> {
  for await (const item of items) if (isMeant(item)) yield item;
}

async function* currentKeys(client: S3Client, at: Location): AsyncGenerator<Doomed> {
  for await (const { key } of listObjects(client, at)) yield { key };
}

async function* everyVersion(client: S3Client, at: Location): AsyncGenerator<Doomed> {
  try {
    for await (const { key, versionId } of listVersions(client, at)) yield { key, versionId };
  } catch (error) {
    // A store without versions has only the objects.
    if (errorName(error) !== "NotImplemented") throw error;
    yield* currentKeys(client, at);
  }
}
