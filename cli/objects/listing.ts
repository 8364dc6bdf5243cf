/** All objects under a prefix, page by page. Keys come as they are, also those XML cannot say. */
import { ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import { QuarryError } from "../../base/errors.ts";
import type { Location } from "./location.ts";

export interface ListedObject {
  readonly kind: "object";
  readonly key: string;
  readonly bytes: number;
  readonly modified: Date;
  readonly etag: string;
}

export type Listed = { readonly kind: "prefix"; readonly prefix: string } | ListedObject;

/** How names in a page are to be read; a store that knows no encoding says so by its silence. */
export function nameDecoder(
  encodingType: string | undefined,
): (name: string | undefined) => string {
  if (encodingType !== "url") return (name) => name ?? "";
  return (name = "") =>
    name.includes("%") || name.includes("+") ? decodeURIComponent(name.replaceAll("+", " ")) : name;
}

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
        EncodingType: "url",
        ...(delimiter !== undefined && { Delimiter: delimiter }),
        ...(token !== undefined && { ContinuationToken: token }),
      }),
    );
    const name = nameDecoder(page.EncodingType);
    for (const { Prefix } of page.CommonPrefixes ?? [])
      yield { kind: "prefix", prefix: name(Prefix) };
    for (const one of page.Contents ?? [])
      yield {
        kind: "object",
        key: name(one.Key),
        bytes: one.Size ?? 0,
        modified: one.LastModified ?? new Date(0),
        etag: one.ETag ?? "",
      };
    token = page.IsTruncated === false ? undefined : page.NextContinuationToken;
    if (page.IsTruncated === true && token === undefined)
      throw new QuarryError("Protocol", "the store says there is more to list, but not where");
  } while (token !== undefined);
}

export async function* listObjects(client: S3Client, at: Location): AsyncGenerator<ListedObject> {
  for await (const one of listAll(client, at)) if (one.kind === "object") yield one;
}
