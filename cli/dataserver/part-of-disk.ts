/**
 * A folder that takes no more than a part of its disk, so that several share one without each telling
 * of all its room. What lies in the folder counts by the length of its files, holes too.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Disk } from "../../base/disk.ts";

export function partOfDisk(disk: Disk, capacityBytes: number): Disk {
  return {
    ...disk,
    async space(directory) {
      const whole = await disk.space(directory);
      const totalBytes = Math.min(capacityBytes, whole.totalBytes);
      const leftBytes = Math.max(0, totalBytes - (await bytesIn(directory)));
      return { totalBytes, freeBytes: Math.min(leftBytes, whole.freeBytes) };
    },
  };
}

/** Lengths of all files of a folder together. */
export async function bytesIn(directory: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(directory))
    bytes += await stat(join(directory, name)).then(
      (about) => (about.isFile() ? about.size : 0),
      () => 0, // removed meanwhile
    );
  return bytes;
}
