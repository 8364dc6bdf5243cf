/** Reads what nobody is about to read again. */
import { payloadPool } from "./buffer-pool.ts";
import type { DiskFile } from "./disk.ts";
import { limits } from "./limits.ts";

/**
 * Bytes of a file in memory of the payload pool, fewer only at its end. Many of them come past the
 * system's cache, where that can be.
 */
export async function readOnce(
  file: Pick<DiskFile, "read" | "readDirect">,
  offset: number,
  lengthBytes: number,
): Promise<Buffer> {
  if (lengthBytes >= limits.directBytes) {
    const bytes = await file.readDirect?.(offset, lengthBytes);
    if (bytes !== undefined) return bytes;
  }
  const bytes = payloadPool.take(lengthBytes);
  try {
    return bytes.subarray(0, await file.read(bytes, offset));
  } catch (error) {
    payloadPool.give(bytes);
    throw error;
  }
}
