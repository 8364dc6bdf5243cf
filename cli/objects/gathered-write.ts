/** Writes what comes in small views with few system calls, and sums it on the way. */
import type { FileHandle } from "node:fs/promises";
import type { Running } from "./object-check.ts";

export const GATHER_BYTES = 1024 * 1024;

/** Returns the bytes written from `offset` on. */
export async function writeAll(
  file: FileHandle,
  offset: number,
  source: AsyncIterable<Buffer>,
  sums: readonly Running[],
  onBytes: (count: number) => void,
): Promise<number> {
  let views: Buffer[] = [];
  let waiting = 0;
  let written = 0;
  const flush = async () => {
    const batch = views;
    const count = waiting;
    views = [];
    waiting = 0;
    await writeFully(file, batch, offset + written);
    written += count;
    onBytes(count);
    freeAllButLast(batch);
  };
  for await (const view of source) {
    for (const sum of sums) sum.update(view);
    views.push(view);
    waiting += view.length;
    if (waiting >= GATHER_BYTES) await flush();
  }
  if (waiting > 0) await flush();
  return written;
}

async function writeFully(
  file: FileHandle,
  views: readonly Buffer[],
  offset: number,
): Promise<void> {
  const total = views.reduce((sum, { length }) => sum + length, 0);
  const { bytesWritten } = await file.writev(views, offset);
  if (bytesWritten === total) return;
  // A disk that is nearly full takes less than asked; the next write says why.
  const rest = Buffer.concat(views).subarray(bytesWritten);
  for (let done = 0; done < rest.length; ) {
    const { bytesWritten: more } = await file.write(
      rest,
      done,
      rest.length - done,
      offset + bytesWritten + done,
    );
    done += more;
  }
}

/** Views that are surely not of a pool that others use. */
const OWN_MEMORY_BYTES = 40 * 1024;

/**
 * Gives the memory of written views back at once: each 32 MiB of what is left to it, the collector
 * goes through the whole heap, which cost a quarter of a large download's CPU time. Views of one read follow each
 * other, so the last one's memory may have more to come.
 */
function freeAllButLast(views: readonly Buffer[]): void {
  const last = views.at(-1)?.buffer;
  for (const view of views)
    if (view.buffer !== last && view.byteLength >= OWN_MEMORY_BYTES)
      (view.buffer as ArrayBuffer).transfer(0);
}
