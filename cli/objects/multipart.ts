/** A multipart upload: how it is cut, begun and completed. */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
} from "@aws-sdk/client-s3";
import { combineCrc, crc32cField } from "../../base/checksum-combine.ts";
import { contentTypeOf } from "../../base/content-type.ts";
import { limits } from "../../base/limits.ts";
import { errorName } from "../exit-code.ts";
import { crcBytes } from "./checksum-text.ts";
import type { Location } from "./location.ts";
import type { Sent } from "./send-body.ts";
import type { Session } from "./session.ts";

const MiB = 1024 * 1024;

export interface SentPart extends Sent {
  readonly number: number;
  readonly bytes: number;
}

/** The length of parts: as wanted, or as long as ten thousand of them must be. */
export function partLength(bytes: number, wantedBytes: number): number {
  const needed = Math.ceil(bytes / limits.partNumber / MiB) * MiB;
  return Math.max(wantedBytes, needed);
}

/** `checksums` false: the store knows nothing of checksums of the full object. */
export async function beginUpload(
  session: Session,
  to: Location,
  nameForType: string,
): Promise<{ readonly uploadId: string; readonly checksums: boolean }> {
  const input = {
    Bucket: to.bucket,
    Key: to.key,
    ContentType: contentTypeOf(nameForType),
    ...session.attributes,
  };
  try {
    const { UploadId } = await session.client.send(
      new CreateMultipartUploadCommand({
        ...input,
        ChecksumAlgorithm: "CRC32C",
        ChecksumType: "FULL_OBJECT",
      }),
    );
    return { uploadId: UploadId ?? "", checksums: true };
  } catch (error) {
    if (!["NotImplemented", "InvalidArgument", "InvalidRequest"].includes(errorName(error)))
      throw error;
    const { UploadId } = await session.client.send(new CreateMultipartUploadCommand(input));
    return { uploadId: UploadId ?? "", checksums: false };
  }
}

/** The CRC32C of all parts together, base64. */
export function wholeCrc(parts: readonly SentPart[]): string {
  return parts
    .reduce(
      (sum, part) => combineCrc(crc32cField, sum, crcBytes(part.crc), part.bytes),
      crc32cField.zero,
    )
    .toString("base64");
}

export async function completeUpload(
  session: Session,
  to: Location,
  upload: { readonly uploadId: string; readonly checksums: boolean },
  parts: readonly SentPart[],
): Promise<Sent> {
  const crc = wholeCrc(parts);
  const target = { Bucket: to.bucket, Key: to.key };
  const found = await session.client
    .send(
      new CompleteMultipartUploadCommand({
        ...target,
        UploadId: upload.uploadId,
        MultipartUpload: {
          Parts: parts.map(({ number, etag, crc: own, proof }) => ({
            PartNumber: number,
            ETag: etag,
            ...(proof === "CRC32C" && { ChecksumCRC32C: crcBytes(own).toString("base64") }),
          })),
        },
        ...(upload.checksums && { ChecksumCRC32C: crc, ChecksumType: "FULL_OBJECT" }),
      }),
    )
    .catch(async (error: unknown) => {
      // The answer to the first attempt was lost: the object tells whether it was heard.
      if (errorName(error) !== "NoSuchUpload") throw error;
      const head = await session.client.send(
        new HeadObjectCommand({ ...target, ChecksumMode: "ENABLED" }),
      );
      if (head.ChecksumCRC32C !== crc) throw error;
      return head;
    });
  const weakest = parts.find(({ proof }) => proof !== "CRC32C")?.proof;
  return {
    etag: found.ETag ?? "",
    crc: Buffer.from(crc, "base64").readUInt32BE(0),
    proof: weakest ?? "CRC32C",
  };
}
