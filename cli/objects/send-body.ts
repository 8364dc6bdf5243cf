/**
 * One body on its way up, as an object or as a part: its CRC32C goes along as a header, and what
 * the store answers tells how the stored bytes are proved.
 */
import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import {
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { crc32c } from "../../base/checksum.ts";
import { stayAwake } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { endsAll } from "../exit-code.ts";
import { crcText, md5OfEtag } from "./checksum-text.ts";
import {
  md5Slice,
  readFully,
  type Slice,
  STEP_BYTES,
  streamSlice,
  sumSlice,
} from "./file-slice.ts";
import { payloadHash } from "./own-checksums.ts";
import type { Session } from "./session.ts";

/** What proves that the store has the bytes that were here. */
export type Proof = "CRC32C" | "MD5" | "none";

export interface Sent {
  readonly etag: string;
  readonly crc: number;
  readonly proof: Proof;
}

export type Target =
  | { readonly kind: "object"; readonly input: PutObjectCommandInput }
  | {
      readonly kind: "part";
      readonly input: { Bucket: string; Key: string; UploadId: string; PartNumber: number };
    };

export async function sendBuffer(
  session: Session,
  target: Target,
  body: Buffer,
  crc = crc32c(body),
): Promise<Sent> {
  const answer =
    (await sendDirectly(session, target, body, crc)) ??
    (await send(session.client, target, body, crc));
  return proved(answer, crc, () => Promise.resolve(createHash("md5").update(body).digest("hex")));
}

/** From the file: into a buffer where it is small enough, streamed and read twice where not. */
export async function sendSlice(session: Session, target: Target, slice: Slice): Promise<Sent> {
  if (slice.lengthBytes <= limits.cliBufferBytes) {
    using memory = await session.memory.take(slice.lengthBytes);
    await readFully(slice.file, slice.path, memory.buffer, slice.offset);
    return await sendBuffer(session, target, memory.buffer);
  }
  using _memory = await session.memory.share(2 * STEP_BYTES);
  const { crc, sha256 } = await sumSlice(slice, !session.trusted);
  for (let attempt = 1; ; attempt++) {
    const stream = streamSlice(slice);
    try {
      const answer = await send(session.client, target, stream, crc, slice.lengthBytes, sha256);
      return await proved(answer, crc, () => md5Slice(slice));
    } catch (error) {
      // The SDK does not send a stream again.
      const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata
        ?.httpStatusCode;
      const isFinal = endsAll(error) || (status !== undefined && status >= 400 && status < 500);
      if (isFinal || attempt >= limits.cliAttempts) throw error;
      await stayAwake(500 * 2 ** attempt);
    } finally {
      stream.destroy();
    }
  }
}

/** Undefined when the short way is none, or did not end well: the SDK's is next. */
async function sendDirectly(
  { direct, trusted }: Session,
  target: Target,
  body: Buffer,
  crc: number,
): Promise<Answer | undefined> {
  if (direct === undefined || !trusted || target.kind !== "object") return undefined;
  const { Bucket, Key, ContentType, ...more } = target.input;
  if (Bucket === undefined || Key === undefined || Object.keys(more).length > 0) return undefined;
  const to = { bucket: Bucket, key: Key };
  const headers = await direct.put(to, body, crcText(crc), ContentType);
  return headers === undefined
    ? undefined
    : {
        ETag: headers["etag"],
        ChecksumCRC32C: headers["x-amz-checksum-crc32c"],
        ServerSideEncryption: headers["x-amz-server-side-encryption"],
      };
}

interface Answer {
  readonly ETag?: string | undefined;
  readonly ChecksumCRC32C?: string | undefined;
  readonly ServerSideEncryption?: string | undefined;
  readonly SSECustomerAlgorithm?: string | undefined;
}

async function send(
  client: S3Client,
  target: Target,
  body: Buffer | Readable,
  crc: number,
  lengthBytes?: number,
  sha256?: string,
): Promise<Answer> {
  const content = {
    Body: body,
    ChecksumCRC32C: crcText(crc),
    ...(lengthBytes !== undefined && { ContentLength: lengthBytes }),
  };
  if (sha256 !== undefined) payloadHash(body, sha256);
  return target.kind === "object"
    ? await client.send(new PutObjectCommand({ ...target.input, ...content }))
    : await client.send(new UploadPartCommand({ ...target.input, ...content }));
}

async function proved(answer: Answer, crc: number, md5: () => Promise<string>): Promise<Sent> {
  const etag = answer.ETag ?? "";
  if (answer.ChecksumCRC32C !== undefined) {
    if (answer.ChecksumCRC32C !== crcText(crc)) throw damagedOnTheWay("CRC32C");
    return { etag, crc, proof: "CRC32C" };
  }
  // A store that does not know the checksum: most of these say the MD5.
  const stored = md5OfEtag(etag);
  // The ETag of an object encrypted with a key of its own looks like an MD5 and is none.
  const isEncrypted = answer.ServerSideEncryption?.startsWith("aws:") === true;
  if (stored === undefined || isEncrypted || answer.SSECustomerAlgorithm !== undefined)
    return { etag, crc, proof: "none" };
  if ((await md5()) !== stored) throw damagedOnTheWay("MD5");
  return { etag, crc, proof: "MD5" };
}

function damagedOnTheWay(what: string): QuarryError {
  return new QuarryError(
    "Damaged",
    `the store has other bytes than were sent (${what} differs); try again`,
  );
}
