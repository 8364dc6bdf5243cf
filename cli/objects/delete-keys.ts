/** Deletes many keys, a thousand a request where the store and the names allow it. */
import { DeleteObjectCommand, DeleteObjectsCommand, type S3Client } from "@aws-sdk/client-s3";
import { errorName } from "../exit-code.ts";
import { inParallel } from "./parallel.ts";

const BATCH_KEYS = 1000;
const BATCHES_AT_ONCE = 4;
const SINGLE_AT_ONCE = 16;

export interface Doomed {
  readonly key: string;
  readonly versionId?: string;
}

export interface DeleteOutcome {
  deleted(one: Doomed): void;
  failed(one: Doomed, error: unknown): void;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 cannot say these
const NOT_IN_XML = /[\x00-\x1f\x7f\ufffe\uffff\ud800-\udfff]/;

export async function deleteKeys(
  client: S3Client,
  bucket: string,
  doomed: AsyncIterable<Doomed> | Iterable<Doomed>,
  outcome: DeleteOutcome,
): Promise<void> {
  let batches = true;
  await inParallel(inBatches(doomed), BATCHES_AT_ONCE, async (batch) => {
    const odd = batch.filter(({ key }) => NOT_IN_XML.test(withoutPairs(key)));
    const plain = batch.filter(({ key }) => !NOT_IN_XML.test(withoutPairs(key)));
    if (batches && plain.length > 0) {
      const done = await deleteBatch(client, bucket, plain, outcome);
      if (done) plain.length = 0;
      else batches = false;
    }
    await inParallel([...plain, ...odd], SINGLE_AT_ONCE, (one) =>
      deleteOne(client, bucket, one, outcome),
    );
  });
}

/** A pair of surrogates is one character beyond the first 65,536, which XML can say. */
function withoutPairs(key: string): string {
  return key.replace(/[\ud800-\udbff][\udc00-\udfff]/g, "");
}

async function* inBatches(
  doomed: AsyncIterable<Doomed> | Iterable<Doomed>,
): AsyncGenerator<Doomed[]> {
  let batch: Doomed[] = [];
  for await (const one of doomed) {
    batch.push(one);
    if (batch.length < BATCH_KEYS) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** False when the store has no such request. */
async function deleteBatch(
  client: S3Client,
  bucket: string,
  batch: readonly Doomed[],
  outcome: DeleteOutcome,
): Promise<boolean> {
  const Objects = batch.map(({ key, versionId }) => ({
    Key: key,
    ...(versionId !== undefined && { VersionId: versionId }),
  }));
  try {
    const { Errors } = await client.send(
      new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
    );
    const idOf = (key: string, version: string | undefined) => JSON.stringify([key, version ?? ""]);
    const failures = new Map(
      (Errors ?? []).map((one) => [idOf(one.Key ?? "", one.VersionId), one] as const),
    );
    for (const one of batch) {
      const failure = failures.get(idOf(one.key, one.versionId));
      if (failure === undefined) outcome.deleted(one);
      else
        outcome.failed(
          one,
          Object.assign(new Error(failure.Message ?? ""), { name: failure.Code ?? "Error" }),
        );
    }
    return true;
  } catch (error) {
    if (!["NotImplemented", "MethodNotAllowed"].includes(errorName(error))) throw error;
    return false;
  }
}

async function deleteOne(
  client: S3Client,
  bucket: string,
  one: Doomed,
  outcome: DeleteOutcome,
): Promise<void> {
  try {
    await client.send(
      new DeleteObjectCommand({
        Bucket: bucket,
        Key: one.key,
        ...(one.versionId !== undefined && { VersionId: one.versionId }),
      }),
    );
    outcome.deleted(one);
  } catch (error) {
    outcome.failed(one, error);
  }
}
