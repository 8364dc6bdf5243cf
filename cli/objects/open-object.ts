/**
 * The bytes of an object as they come; when the connection breaks they go on from where it broke, of
 * the same object (If-Match) or not at all.
 */
import { Readable } from "node:stream";
import { GetObjectCommand, type GetObjectCommandOutput } from "@aws-sdk/client-s3";
import { stayAwake } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { DirectAnswer } from "./direct-way.ts";
import type { Location } from "./location.ts";
import type { Session } from "./session.ts";

export interface Source extends Location {
  readonly versionId?: string;
}

export interface ByteRange {
  readonly offset: number;
  readonly lengthBytes: number;
}

/** What the store says of the object; its bytes come apart. */
export type ObjectAnswer = Omit<GetObjectCommandOutput, "Body" | "$metadata">;

export interface OpenedObject {
  readonly answer: ObjectAnswer;
  readonly lengthBytes: number;
  readonly body: Readable;
  /** May be taken once. */
  bytes(): AsyncGenerator<Buffer>;
  /** For who does not take the bytes: ends the connection. */
  close(): void;
}

/** `range` as HTTP writes it, `bytes=0-99`. */
export async function openObject(
  session: Session,
  from: Source,
  range?: string,
  ifMatch?: string,
): Promise<OpenedObject> {
  const isPlain = range === undefined && ifMatch === undefined && from.versionId === undefined;
  const direct = isPlain ? await session.direct?.get(from) : undefined;
  if (direct !== undefined) {
    const described = describedBy(direct.headers);
    return opened(session, from, described, direct.body);
  }
  const answer = await session.client.send(
    new GetObjectCommand({
      Bucket: from.bucket,
      Key: from.key,
      ...(from.versionId !== undefined && { VersionId: from.versionId }),
      ...(range !== undefined && { Range: range }),
      ...(ifMatch !== undefined && { IfMatch: ifMatch }),
    }),
  );
  const body = answer.Body;
  if (!(body instanceof Readable))
    throw new QuarryError("Protocol", `the store sent no body for ${from.key}`);
  return opened(session, from, answer, body);
}

function opened(
  session: Session,
  from: Source,
  answer: ObjectAnswer,
  body: Readable,
): OpenedObject {
  const lengthBytes = answer.ContentLength;
  if (lengthBytes === undefined || Number.isNaN(lengthBytes))
    throw new QuarryError("Protocol", `the store does not say how long ${from.key} is`);
  return {
    answer,
    lengthBytes,
    body,
    bytes: () => readOn(session, from, answer, body, lengthBytes),
    close: () => body.destroy(),
  };
}

export function openRange(
  session: Session,
  from: Source,
  { offset, lengthBytes }: ByteRange,
  etag: string,
): Promise<OpenedObject> {
  return openObject(session, from, `bytes=${offset}-${offset + lengthBytes - 1}`, etag);
}

async function* readOn(
  session: Session,
  from: Source,
  answer: ObjectAnswer,
  firstBody: Readable,
  lengthBytes: number,
): AsyncGenerator<Buffer> {
  const start = Number(/^bytes (\d+)-/.exec(answer.ContentRange ?? "")?.[1] ?? 0);
  let body = firstBody;
  let got = 0;
  let attempt = 1;
  for (;;) {
    try {
      for await (const view of body) {
        got += (view as Buffer).length;
        yield view as Buffer;
      }
      if (got === lengthBytes) return;
      throw new QuarryError(
        "Unavailable",
        `${from.key} ended after ${got} of ${lengthBytes} bytes`,
      );
    } catch (error) {
      body.destroy();
      if (attempt >= limits.cliAttempts || got >= lengthBytes) throw error;
    }
    await stayAwake(250 * 2 ** attempt++);
    const rest = { offset: start + got, lengthBytes: lengthBytes - got };
    const etag = answer.ETag;
    if (etag === undefined)
      throw new QuarryError("Unavailable", `the connection broke while ${from.key} came`);
    const again = await openRange(session, from, rest, etag);
    body = again.body;
  }
}

function describedBy(headers: DirectAnswer["headers"]): ObjectAnswer {
  const modified = headers["last-modified"];
  return {
    ContentLength: Number(headers["content-length"] ?? Number.NaN),
    ETag: headers["etag"],
    LastModified: modified === undefined ? undefined : new Date(modified),
    ChecksumType: headers["x-amz-checksum-type"] as ObjectAnswer["ChecksumType"],
    ChecksumCRC32: headers["x-amz-checksum-crc32"],
    ChecksumCRC32C: headers["x-amz-checksum-crc32c"],
    ChecksumCRC64NVME: headers["x-amz-checksum-crc64nvme"],
    ChecksumSHA1: headers["x-amz-checksum-sha1"],
    ChecksumSHA256: headers["x-amz-checksum-sha256"],
    ServerSideEncryption: headers[
      "x-amz-server-side-encryption"
    ] as ObjectAnswer["ServerSideEncryption"],
    SSECustomerAlgorithm: headers["x-amz-server-side-encryption-customer-algorithm"],
  };
}
