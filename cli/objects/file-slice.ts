/** A run of bytes of an open file: read, summed, streamed. */
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { Readable } from "node:stream";
import { crc32c } from "../../base/checksum.ts";
import { QuarryError } from "../../base/errors.ts";

/** Of what is read, summed or streamed at once. */
export const STEP_BYTES = 1024 * 1024;

/** Fills `buffer` from `offset` of the file. */
export async function readFully(
  file: FileHandle,
  path: string,
  buffer: Uint8Array,
  offset: number,
): Promise<void> {
  for (let done = 0; done < buffer.length; ) {
    const { bytesRead } = await file.read(buffer, done, buffer.length - done, offset + done);
    if (bytesRead === 0)
      throw new QuarryError("InvalidArgument", `${path} became shorter while it was read`);
    done += bytesRead;
  }
}

export interface Slice {
  readonly file: FileHandle;
  readonly path: string;
  readonly offset: number;
  readonly lengthBytes: number;
}

/** CRC32C of a slice, and SHA-256 in hexadecimal if asked for. */
export async function sumSlice(
  slice: Slice,
  withSha256: boolean,
): Promise<{ readonly crc: number; readonly sha256?: string }> {
  const hash = withSha256 ? createHash("sha256") : undefined;
  let crc = 0;
  const buffer = Buffer.allocUnsafe(Math.min(STEP_BYTES, slice.lengthBytes));
  for (let done = 0; done < slice.lengthBytes; ) {
    const view = buffer.subarray(0, Math.min(buffer.length, slice.lengthBytes - done));
    await readFully(slice.file, slice.path, view, slice.offset + done);
    crc = crc32c(view, crc);
    hash?.update(view);
    done += view.length;
  }
  return hash === undefined ? { crc } : { crc, sha256: hash.digest("hex") };
}

/** MD5 of a slice in hexadecimal. */
export async function md5Slice(slice: Slice): Promise<string> {
  const hash = createHash("md5");
  for await (const view of streamSlice(slice)) hash.update(view as Buffer);
  return hash.digest("hex");
}

export function streamSlice({ file, offset, lengthBytes }: Slice): Readable {
  return file.createReadStream({
    start: offset,
    end: offset + lengthBytes - 1,
    autoClose: false,
    highWaterMark: STEP_BYTES,
  });
}
