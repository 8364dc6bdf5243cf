/** Listings of uploads in progress and of their parts. */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { NameService, PartInfo, UploadInfo } from "../../rpc/name-service.ts";
import type { StateReader } from "../group/group.ts";
import { type Key, KeyReader, keys, prefixEnd, tags, u56 } from "../keyspace.ts";
import { decodeRow } from "../row-codec.ts";
import type { PartRow, UploadRow } from "../rows.ts";
import { parseSequence, sequenceText } from "../version-id.ts";
import { read, readBucket } from "./read.ts";
import { scanNames, startAfter } from "./scan-names.ts";

function uploadInfo(key: string, upload: number, row: UploadRow): UploadInfo {
  const { checksumAlgorithm, checksumType, attributes } = row;
  const owner = attributes.owner ?? "";
  return {
    key,
    upload: sequenceText(upload),
    startedMs: row.ms,
    initiator: row.initiator ?? owner,
    owner,
    ...(attributes.storageClass !== undefined && { storageClass: attributes.storageClass }),
    ...(checksumAlgorithm !== undefined && { checksumAlgorithm }),
    ...(checksumType !== undefined && { checksumType }),
  };
}

function uploadIdOf(key: Key): number {
  return new KeyReader(key, key.length - 7).u56();
}

export async function uploads(
  state: StateReader,
  request: Parameters<NameService["uploads"]>[0],
): Promise<Awaited<ReturnType<NameService["uploads"]>>> {
  const { prefix, delimiter, keyAfter, uploadAfter } = request;
  const limit = Math.max(0, Math.min(request.limit, limits.listKeys));
  const bucket = readBucket(state, request.bucket).id;
  const marker = parseSequence(uploadAfter);
  const from =
    keyAfter === "" || marker === undefined
      ? startAfter("upload", bucket, { prefix, delimiter, after: keyAfter })
      : prefixEnd(keys.upload(bucket, keyAfter, marker));
  const scan = { bucket, prefix, delimiter, from: [from], limit: limit + 1 };
  const found = limit === 0 ? [] : await scanNames<UploadRow>(state, scan);
  const page = found.slice(0, limit);
  return {
    uploads: page.flatMap((one) =>
      one.kind === "row" ? [uploadInfo(one.name, uploadIdOf(one.key), one.row)] : [],
    ),
    prefixes: page.flatMap((one) => (one.kind === "prefix" ? [one.prefix] : [])),
    truncated: found.length > limit,
  };
}

export async function parts(
  state: StateReader,
  request: Parameters<NameService["parts"]>[0],
): Promise<Awaited<ReturnType<NameService["parts"]>>> {
  const bucket = readBucket(state, request.bucket).id;
  const id = parseSequence(request.upload);
  const row = id === undefined ? undefined : read(state, keys.upload(bucket, request.key, id));
  if (id === undefined || row === undefined)
    throw new QuarryError("NoSuchUpload", "there is no such upload: it was completed or aborted");
  const limit = Math.max(0, Math.min(request.limit, limits.listKeys));
  const all = tags.part + u56(id);
  await using cursor = state.range(keys.part(id, request.after + 1), prefixEnd(all));
  const entries = await cursor.next(limit + 1);
  const found = entries.map(({ key, value }) => {
    const part = new KeyReader(key, 8).u32();
    return partInfo(part, decodeRow<PartRow>(key, value));
  });
  return {
    upload: uploadInfo(request.key, id, row),
    parts: found.slice(0, limit),
    truncated: found.length > limit,
  };
}

function partInfo(part: number, row: PartRow): PartInfo {
  const info = { part, etag: row.etag, lengthBytes: row.length, modifiedMs: row.ms };
  return row.checksum === undefined ? info : { ...info, checksum: row.checksum };
}
