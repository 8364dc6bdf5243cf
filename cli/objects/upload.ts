/** One local file into an object: whole when small, in parallel parts when large. */
import { open } from "node:fs/promises";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { QuarryError } from "../../base/errors.ts";
import type { Location } from "./location.ts";
import { inParallel } from "./parallel.ts";

const WHOLE_BYTES = 32 * 1024 * 1024;
const PART_BYTES = 16 * 1024 * 1024;
const MAX_PARTS = 10_000;
const PARTS_AT_ONCE = 4;

export async function uploadFile(
  client: S3Client,
  path: string,
  to: Location,
  onBytes: (count: number) => void,
): Promise<void> {
  await using file = await open(path, "r");
  const { size } = await file.stat();
  const target = { Bucket: to.bucket, Key: to.key };
  const read = async (offset: number, lengthBytes: number): Promise<Buffer> => {
    const buffer = Buffer.allocUnsafe(lengthBytes);
    const { bytesRead } = await file.read(buffer, 0, lengthBytes, offset);
    if (bytesRead !== lengthBytes)
      throw new QuarryError("InvalidArgument", `${path} became shorter while it was read`);
    return buffer;
  };
  if (size <= WHOLE_BYTES) {
    const body = size === 0 ? Buffer.alloc(0) : await read(0, size);
    await client.send(new PutObjectCommand({ ...target, Body: body }));
    onBytes(size);
    return;
  }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(target));
  const upload = { ...target, UploadId };
  try {
    const partBytes = Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS));
    const numbers = Array.from({ length: Math.ceil(size / partBytes) }, (_, i) => i + 1);
    const parts: { PartNumber: number; ETag: string }[] = [];
    await inParallel(numbers, PARTS_AT_ONCE, async (PartNumber) => {
      const offset = (PartNumber - 1) * partBytes;
      const body = await read(offset, Math.min(partBytes, size - offset));
      const { ETag } = await client.send(
        new UploadPartCommand({ ...upload, PartNumber, Body: body }),
      );
      parts[PartNumber - 1] = { PartNumber, ETag: ETag ?? "" };
      onBytes(body.length);
    });
    await client.send(
      new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }),
    );
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand(upload)).catch((abortError: unknown) => {
      console.error(
        `the unfinished upload ${UploadId} could not be given up: ${String(abortError)}`,
      );
    });
    throw error;
  }
}
