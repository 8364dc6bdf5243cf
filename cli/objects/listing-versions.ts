/** All versions and delete markers under a prefix, newest first for each key. */
import { ListObjectVersionsCommand, type S3Client } from "@aws-sdk/client-s3";
import { nameDecoder } from "./listing.ts";
import type { Location } from "./location.ts";

export interface ListedVersion {
  readonly kind: "version" | "deleteMarker";
  readonly key: string;
  readonly versionId: string;
  readonly isLatest: boolean;
  readonly bytes: number;
  readonly modified: Date;
  readonly etag: string;
}

export async function* listVersions(client: S3Client, at: Location): AsyncGenerator<ListedVersion> {
  let marker: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {};
  do {
    const page: Awaited<ReturnType<typeof send>> = await send(client, at, marker);
    const name = nameDecoder(page.EncodingType);
    const rows: ListedVersion[] = [];
    for (const one of page.Versions ?? [])
      rows.push({ ...row(one), kind: "version", key: name(one.Key) });
    for (const one of page.DeleteMarkers ?? [])
      rows.push({ ...row(one), kind: "deleteMarker", key: name(one.Key) });
    yield* rows.sort(byKeyThenNewest);
    marker =
      page.IsTruncated === true
        ? {
            KeyMarker: name(page.NextKeyMarker),
            ...(page.NextVersionIdMarker !== undefined && {
              VersionIdMarker: page.NextVersionIdMarker,
            }),
          }
        : undefined;
  } while (marker !== undefined);
}

function send(client: S3Client, at: Location, marker: object) {
  return client.send(
    new ListObjectVersionsCommand({
      Bucket: at.bucket,
      Prefix: at.key,
      EncodingType: "url",
      ...marker,
    }),
  );
}

function row(one: {
  readonly VersionId?: string | undefined;
  readonly IsLatest?: boolean | undefined;
  readonly Size?: number | undefined;
  readonly LastModified?: Date | undefined;
  readonly ETag?: string | undefined;
}) {
  return {
    versionId: one.VersionId ?? "null",
    isLatest: one.IsLatest ?? false,
    bytes: one.Size ?? 0,
    modified: one.LastModified ?? new Date(0),
    etag: one.ETag ?? "",
  };
}

function byKeyThenNewest(a: ListedVersion, b: ListedVersion): number {
  if (a.key !== b.key) return Buffer.compare(Buffer.from(a.key), Buffer.from(b.key));
  if (a.isLatest !== b.isLatest) return a.isLatest ? -1 : 1;
  return b.modified.getTime() - a.modified.getTime();
}
