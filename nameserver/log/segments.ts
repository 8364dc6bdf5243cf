/**
 * Reading the log's segment files: which there are, what each holds, where the last one ends. A bad
 * record is a torn tail only if nothing says that it was synced; otherwise it is damage, and nothing
 * behind it may be dropped in silence.
 */
import { type Disk, readWhole } from "../base/disk.ts";
import { QuarryError } from "../base/errors.ts";
import type { LogIndex } from "../base/ids.ts";
import {
  decodeSegmentHead,
  LOG_FORMAT,
  type LogRecord,
  RecordCodec,
  SEGMENT_HEAD_BYTES,
  type SegmentHead,
} from "./log-record.ts";

/** Where the chain of entries stands. */
export interface ChainEnd {
  readonly index: LogIndex;
  readonly check: number;
  readonly timeMs: number;
}

export interface SegmentFile {
  readonly path: string;
  readonly firstIndex: LogIndex;
}

/** What a log of no entries yet ends with. */
export const chainStart: ChainEnd = { index: 0 as LogIndex, check: 0, timeMs: 0 };

export function segmentName(firstIndex: LogIndex): string {
  return `${firstIndex.toString(16).padStart(14, "0")}.qlog`;
}

/** Segments of a folder in log order. A half-made one (`.new`) was never written to. */
export async function listSegments(disk: Disk, directory: string): Promise<SegmentFile[]> {
  const found: SegmentFile[] = [];
  for (const name of await disk.list(directory)) {
    const match = /^([0-9a-f]{14})\.qlog$/.exec(name);
    if (match?.[1] !== undefined)
      found.push({
        path: `${directory}/${name}`,
        firstIndex: Number.parseInt(match[1], 16) as LogIndex,
      });
  }
  return found;
}

export interface ReadSegment {
  readonly head: SegmentHead;
  readonly codec: RecordCodec;
  readonly entries: LogRecord[];
  readonly end: ChainEnd;
  /** Offset behind the last good record. */
  readonly tailBytes: number;
  /** How far records say that the file was synced. */
  readonly syncedBytes: number;
}

export const damaged = (path: string, offset: number, what: string) =>
  new QuarryError(
    "Damaged",
    `${path} is damaged at byte ${offset}: ${what}. Nothing was changed; restore the nameserver's folder from a backup`,
  );

/** @throws QuarryError `Damaged` with file and offset. */
export async function readSegment(disk: Disk, file: SegmentFile): Promise<ReadSegment> {
  const { path, firstIndex } = file;
  const bytes = await readWhole(disk, path);
  const head = decodeSegmentHead(bytes);
  if (head === undefined || head.firstIndex !== firstIndex)
    throw damaged(path, 0, "the header of the segment fails its checksum");
  if (head.format > LOG_FORMAT)
    throw new QuarryError("NewerFormat", `${path} has format ${head.format}: update Quarry`);
  const codec = new RecordCodec(head.salt);
  const entries: LogRecord[] = [];
  let end: ChainEnd = {
    index: (firstIndex - 1) as LogIndex,
    check: head.previousCheck,
    timeMs: head.timeMs,
  };
  let tailBytes = SEGMENT_HEAD_BYTES;
  let syncedBytes = SEGMENT_HEAD_BYTES;
  for (;;) {
    const record = codec.decode(bytes, tailBytes);
    if (record === undefined || record.previousCheck !== end.check) break;
    if (record.kind === "entry") {
      if (record.index !== end.index + 1) break;
      end = { index: record.index, check: record.check, timeMs: record.timeMs };
      entries.push(record);
    }
    syncedBytes = Math.max(syncedBytes, record.syncedBytes);
    tailBytes = record.end;
  }
  syncedBytes = Math.max(syncedBytes, codec.syncedClaim(bytes, tailBytes));
  if (tailBytes < syncedBytes)
    throw damaged(
      path,
      tailBytes,
      `no good record there, yet the file was synced to ${syncedBytes}`,
    );
  return { head, codec, entries, end, tailBytes, syncedBytes };
}
