/** One local file into an object: whole when small, in parallel parts that can be resumed when large. */
import { type FileHandle, open } from "node:fs/promises";
import type { Part } from "@aws-sdk/client-s3";
import { contentTypeOf } from "../../base/content-type.ts";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { crcText, md5OfEtag } from "./checksum-text.ts";
import { md5Slice, type Slice, sumSlice } from "./file-slice.ts";
import type { Location } from "./location.ts";
import { beginUpload, completeUpload, partLength, type SentPart } from "./multipart.ts";
import { inParallel } from "./parallel.ts";
import { type Proof, type Sent, sendBuffer, sendSlice, type Target } from "./send-body.ts";
import type { Session } from "./session.ts";
import { readSmall } from "./small-file.ts";
import { forgetState } from "./state-folder.ts";
import {
  findUnfinished,
  remember,
  type UnfinishedUpload,
  type UploadSource,
  uploadName,
} from "./upload-state.ts";

export interface Uploaded {
  readonly etag: string;
  readonly bytes: number;
  readonly proof: Proof;
  /** What an earlier run had sent already. */
  readonly resumedBytes: number;
}

export async function uploadFile(session: Session, path: string, to: Location): Promise<Uploaded> {
  const small = await readSmall(path);
  if (small !== undefined) return uploadSmall(session, small, path, to);
  await using file = await open(path, "r");
  const found = await file.stat();
  if (found.isDirectory())
    throw new QuarryError("InvalidArgument", `${path} is a folder; -r stores folders`);
  const source = { path, bytes: found.size, modifiedMs: found.mtimeMs };
  const done =
    found.size <= wholeBytes(session)
      ? await uploadWhole(session, file, source, to)
      : await uploadParts(session, file, source, to);
  const now = await file.stat();
  if (now.size !== source.bytes || now.mtimeMs !== source.modifiedMs)
    throw new QuarryError(
      "InvalidArgument",
      `${path} was changed while it was read; the object may be a mixture: put it again`,
    );
  return done;
}

/** Below this the answer comes sooner in one request. */
function wholeBytes(session: Session): number {
  return Math.max(2 * session.partBytes, limits.cliBufferBytes);
}

async function uploadSmall(
  session: Session,
  body: Buffer,
  path: string,
  to: Location,
): Promise<Uploaded> {
  const { etag, proof } = await sendBuffer(session, wholeTarget(session, path, to), body);
  session.report.progress.add(body.length);
  return { etag, bytes: body.length, proof, resumedBytes: 0 };
}

function wholeTarget({ attributes }: Session, path: string, to: Location): Target {
  const ContentType = contentTypeOf(path);
  return { kind: "object", input: { Bucket: to.bucket, Key: to.key, ContentType, ...attributes } };
}

async function uploadWhole(
  session: Session,
  file: FileHandle,
  { path, bytes }: UploadSource,
  to: Location,
): Promise<Uploaded> {
  const slice = { file, path, offset: 0, lengthBytes: bytes };
  const { etag, proof } = await sendSlice(session, wholeTarget(session, path, to), slice);
  session.report.progress.add(bytes);
  return { etag, bytes, proof, resumedBytes: 0 };
}

async function uploadParts(
  session: Session,
  file: FileHandle,
  source: UploadSource,
  to: Location,
): Promise<Uploaded> {
  const name = uploadName(session, source, to);
  const earlier = await findUnfinished(session, name, source, to);
  const state = earlier?.state ?? (await beginRemembered(session, name, source, to));
  const parts: SentPart[] = [];
  let resumedBytes = 0;
  const count = Math.ceil(source.bytes / state.partBytes);
  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  await inParallel(numbers, session.parallel, async (number) => {
    const offset = (number - 1) * state.partBytes;
    const lengthBytes = Math.min(state.partBytes, source.bytes - offset);
    const slice = { file, path: source.path, offset, lengthBytes };
    const there = await alreadySent(earlier, number, slice);
    if (there !== undefined) resumedBytes += lengthBytes;
    const input = {
      Bucket: to.bucket,
      Key: to.key,
      UploadId: state.uploadId,
      PartNumber: number,
    };
    const sent = there ?? (await sendSlice(session, { kind: "part", input }, slice));
    parts[number - 1] = { ...sent, number, bytes: lengthBytes };
    session.report.progress.add(lengthBytes);
  });
  const { etag, proof } = await completeUpload(session, to, state, parts);
  await forgetState(name);
  return { etag, bytes: source.bytes, proof, resumedBytes };
}

async function beginRemembered(session: Session, name: string, source: UploadSource, to: Location) {
  const begun = await beginUpload(session, to, source.path);
  const { bytes, modifiedMs } = source;
  const partBytes = partLength(bytes, session.partBytes);
  const state = { ...begun, bytes, modifiedMs, partBytes };
  await remember(session, name, state);
  return state;
}

/** A part of an earlier run counts when the store's checksum of it is that of the file's bytes now. */
async function alreadySent(
  earlier: UnfinishedUpload | undefined,
  number: number,
  slice: Slice,
): Promise<Sent | undefined> {
  const part: Part | undefined = earlier?.parts.get(number);
  if (part === undefined || part.Size !== slice.lengthBytes) return undefined;
  const etag = part.ETag ?? "";
  const { crc } = await sumSlice(slice, false);
  if (part.ChecksumCRC32C !== undefined)
    return part.ChecksumCRC32C === crcText(crc) ? { etag, crc, proof: "CRC32C" } : undefined;
  const md5 = md5OfEtag(etag);
  if (md5 === undefined || md5 !== (await md5Slice(slice))) return undefined;
  return { etag, crc, proof: "MD5" };
}
