/**
 * Writes bytes of a file again as they are. When a sync fails, the system may forget that it still
 * owes them to the disk: reads go on showing them, and later syncs succeed without them. So what is
 * found behind the last known sync is written anew before anything is built on it.
 */
import type { DiskFile } from "./disk.ts";
import { limits } from "./limits.ts";

/** Rewrites [from, to) of the file; the caller syncs. */
export async function rewrite(file: DiskFile, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += limits.copyBytes) {
    const bytes = Buffer.allocUnsafe(Math.min(limits.copyBytes, to - at));
    const got = await file.read(bytes, at);
    await file.write([bytes.subarray(0, got)], at);
  }
}
