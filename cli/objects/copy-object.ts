/** A copy that the store makes itself: no byte passes through here. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { limits } from "../../base/limits.ts";
import type { Location } from "./location.ts";
import { partLength } from "./multipart.ts";
import type { Source } from "./open-object.ts";
import { inParallel } from "./parallel.ts";
import type { Session } from "./session.ts";

export interface Copied {
  readonly etag: string;
  readonly bytes: number;
}

export async function copyObject(
  session: Session,
  from: Source,
  to: Location,
  bytes: number,
): Promise<Copied> {
  const copied =
    bytes > limits.copyWholeBytes
      ? await copyParts(session, from, to, bytes)
      : await copyWhole(session, from, to, bytes);
  session.report.progress.add(bytes);
  return copied;
}

/** As the header wants it: percent-encoded, slashes kept. */
function copySource({ bucket, key, versionId }: Source): string {
  const encoded = key.split("/").map(encodeURIComponent).join("/");
  return `${bucket}/${encoded}${versionId === undefined ? "" : `?versionId=${encodeURIComponent(versionId)}`}`;
}

async function copyWhole(
  { client, attributes }: Session,
  from: Source,
  to: Location,
  bytes: number,
): Promise<Copied> {
  const { CopyObjectResult } = await client.send(
    new CopyObjectCommand({
      Bucket: to.bucket,
      Key: to.key,
      CopySource: copySource(from),
      ...attributes,
      ...(Object.keys(attributes).some((name) => name !== "StorageClass") && {
        MetadataDirective: "REPLACE" as const,
      }),
    }),
  );
  return { etag: CopyObjectResult?.ETag ?? "", bytes };
}

/** Of one state of the source: every part is copied only if its ETag is still the same. */
async function copyParts(
  session: Session,
  from: Source,
  to: Location,
  bytes: number,
): Promise<Copied> {
  const { client } = session;
  const version = from.versionId === undefined ? {} : { VersionId: from.versionId };
  const source = await client.send(
    new HeadObjectCommand({ Bucket: from.bucket, Key: from.key, ...version }),
  );
  const target = { Bucket: to.bucket, Key: to.key };
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({
      ...target,
      ContentType: source.ContentType,
      CacheControl: source.CacheControl,
      ContentDisposition: source.ContentDisposition,
      ContentEncoding: source.ContentEncoding,
      ContentLanguage: source.ContentLanguage,
      Metadata: source.Metadata,
      ...session.attributes,
    }),
  );
  try {
    const partBytes = partLength(bytes, limits.copyPartBytes);
    const parts: { PartNumber: number; ETag: string }[] = [];
    const numbers = Array.from({ length: Math.ceil(bytes / partBytes) }, (_, i) => i + 1);
    await inParallel(numbers, session.parallel, async (PartNumber) => {
      const first = (PartNumber - 1) * partBytes;
      const { CopyPartResult } = await client.send(
        new UploadPartCopyCommand({
          ...target,
          UploadId,
          PartNumber,
          CopySource: copySource(from),
          CopySourceRange: `bytes=${first}-${Math.min(first + partBytes, bytes) - 1}`,
          ...(source.ETag !== undefined && { CopySourceIfMatch: source.ETag }),
        }),
      );
      parts[PartNumber - 1] = { PartNumber, ETag: CopyPartResult?.ETag ?? "" };
    });
    const { ETag } = await client.send(
      new CompleteMultipartUploadCommand({
        ...target,
        UploadId,
        MultipartUpload: { Parts: parts },
      }),
    );
    return { etag: ETag ?? "", bytes };
  } catch (error) {
    // Copying again costs no traffic: nothing is kept.
    await client
      .send(new AbortMultipartUploadCommand({ ...target, UploadId }))
      .catch((abortError: unknown) => session.report.failed(`giving up ${to.key}`, abortError));
    throw error;
  }
}
