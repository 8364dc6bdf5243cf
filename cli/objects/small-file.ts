/** Small files, read and written whole. */
import {
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from "node:fs";
import { open, rename } from "node:fs/promises";
import { paced } from "./disk-pace.ts";

/** Above this a disk may take its time. */
export const SMALL_BYTES = 256 * 1024;

/** The content of a regular file of at most {@link SMALL_BYTES}; undefined for any other. */
export function readSmall(path: string): Promise<Buffer | undefined> {
  // A pipe with no writer must not hold us.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK;
  return paced(
    () => {
      const file = openSync(path, flags);
      try {
        const found = fstatSync(file);
        if (!found.isFile() || found.size > SMALL_BYTES) return undefined;
        const buffer = Buffer.allocUnsafeSlow(found.size);
        return readSync(file, buffer, 0, buffer.length, 0) === buffer.length ? buffer : undefined;
      } finally {
        closeSync(file);
      }
    },
    async () => {
      await using file = await open(path, flags);
      const found = await file.stat();
      if (!found.isFile() || found.size > SMALL_BYTES) return undefined;
      const buffer = Buffer.allocUnsafeSlow(found.size);
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
      return bytesRead === buffer.length ? buffer : undefined;
    },
  );
}

/** Writes `beside`, which must not exist, and gives it its name. */
export function writeSmall(
  beside: string,
  path: string,
  content: Buffer,
  modified: Date | undefined,
): Promise<void> {
  return paced(
    () => {
      const file = openSync(beside, "wx");
      try {
        for (let done = 0; done < content.length; )
          done += writeSync(file, content, done, content.length - done);
        if (modified !== undefined) futimesSync(file, modified, modified);
      } finally {
        closeSync(file);
      }
      renameSync(beside, path);
    },
    async () => {
      {
        await using file = await open(beside, "wx");
        await file.writeFile(content);
        if (modified !== undefined) await file.utimes(modified, modified);
      }
      await rename(beside, path);
    },
  );
}
