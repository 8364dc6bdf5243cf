/** Multipart uploads under a prefix that were begun and neither completed nor given up. */
import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  type S3Client,
} from "@aws-sdk/client-s3";
import { nameDecoder } from "./listing.ts";
import type { Location } from "./location.ts";

export interface ListedUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly begun: Date;
}

export async function* listUploads(client: S3Client, at: Location): AsyncGenerator<ListedUpload> {
  let marker: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
  do {
    const page: ListMultipartUploadsCommandOutput = await client.send(
      new ListMultipartUploadsCommand({
        Bucket: at.bucket,
        Prefix: at.key,
        EncodingType: "url",
        ...marker,
      }),
    );
    const name = nameDecoder(page.EncodingType);
    for (const one of page.Uploads ?? [])
      yield {
        key: name(one.Key),
        uploadId: one.UploadId ?? "",
        begun: one.Initiated ?? new Date(0),
      };
    marker =
      page.IsTruncated === true
        ? {
            KeyMarker: name(page.NextKeyMarker),
            ...(page.NextUploadIdMarker !== undefined && {
              UploadIdMarker: page.NextUploadIdMarker,
            }),
          }
        : undefined;
  } while (marker !== undefined);
}

export async function giveUpUpload(
  client: S3Client,
  at: Location,
  uploadId: string,
): Promise<void> {
  await client.send(
    new AbortMultipartUploadCommand({ Bucket: at.bucket, Key: at.key, UploadId: uploadId }),
  );
}
