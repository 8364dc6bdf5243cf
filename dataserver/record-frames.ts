/**
 * What stands around the data of records that were read of late, for each open file. A large needle is
 * read window by window: without this each window takes two more reads, of its header and its footer,
 * and both by way of the thread pool while the disk is slow.
 *
 * A record never changes while its file is open, and its data is verified whenever it is read, so what
 * was right once may serve.
 */
import type { ReadableBytes } from "../base/disk.ts";
import { limits } from "../base/limits.ts";
import type { RecordFooter, RecordHeader } from "./record.ts";

export interface RecordFrame {
  readonly header: RecordHeader;
  readonly footer: RecordFooter;
}

/** By the record's offset. */
const framesOf = new WeakMap<ReadableBytes, Map<number, RecordFrame>>();

export function keptFrame(file: ReadableBytes, offset: number): RecordFrame | undefined {
  return framesOf.get(file)?.get(offset);
}

/** The longest kept gives way. */
export function keepFrame(file: ReadableBytes, offset: number, frame: RecordFrame): void {
  let frames = framesOf.get(file);
  if (frames === undefined) {
    frames = new Map();
    framesOf.set(file, frames);
  }
  frames.set(offset, frame);
  if (frames.size <= limits.framesKept) return;
  const oldest = frames.keys().next();
  if (oldest.done !== true) frames.delete(oldest.value);
}
