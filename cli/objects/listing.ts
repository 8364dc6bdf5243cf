/** All objects under a prefix, page by page. */
import { ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import type { Location } from "./location.ts";

export type Listed =
  | { readonly kind: "prefix"; readonly prefix: string }
  | {
      readonly kind: "object";
      readonly key: string;
      readonly bytes: number;
      readonly modified: Date;
      readonly etag: string;
    };

export async function* listAll(
  client: S3Client,
  at: Location,
  delimiter?: string,
): AsyncGenerator<Listed> {
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({
        Bucket: at.bucket,
        Prefix: at.key,
        ...(delimiter !== undefined && { Delimiter: delimiter }),
        ...(token !== undefined && { ContinuationToken: token }),
      }),
    );
    for (const { Prefix } of page.CommonPrefixes ?? [])
      yield { kind: "prefix", prefix: Prefix ?? "" };
    for (const one of page.Contents ?? [])
      yield {
        kind: "object",
        key: one.Key ?? "",
        bytes: one.Size ?? 0,
        modified: one.LastModified ?? new Date(0),
        etag: one.ETag ?? "",
      };
    token = page.NextContinuationToken;
  } while (token !== undefined);
}
