/**
 * The replicated log's own files: entries with continuous indexes in segments, made durable in
 * groups. An entry gets its index and time when it is written; the chain of checks ties each to all
 * before it. Old segments are cut off once the state no longer needs them.
 */
import { AppendFile, type Durability } from "../base/append-file.ts";
import type { Clock } from "../base/clock.ts";
import { type Disk, replaceWhole } from "../base/disk.ts";
import { assert, hasCode, type QuarryError } from "../base/errors.ts";
import type { LogIndex } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import { rewrite } from "../base/rewrite.ts";
import {
  encodeSegmentHead,
  LOG_FORMAT,
  RECORD_HEAD_BYTES,
  RecordCodec,
  type RecordKind,
  SEGMENT_HEAD_BYTES,
} from "./log-record.ts";
import {
  type ChainEnd,
  chainStart,
  damaged,
  listSegments,
  type ReadSegment,
  readSegment,
  type SegmentFile,
  segmentName,
} from "./log-segments.ts";

export interface LogOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly directory: string;
  readonly durability: Durability;
  readonly segmentBytes?: number;
  readonly onFailure?: (failure: QuarryError) => void;
}

/** An entry's place and time, known once it is written. */
export type Stamp = Pick<ChainEnd, "index" | "timeMs">;
/** Sees each entry that is on the disk already, in log order. */
export type Visit = (stamp: Stamp, payload: Buffer) => Promise<void>;

export class Log implements AsyncDisposable {
  readonly #options: LogOptions;
  #segments: SegmentFile[];
  #codec: RecordCodec;
  #salt: number;
  #file: AppendFile;
  /** End of what was written, and of what was answered as durable. */
  #written: ChainEnd;
  #durable: ChainEnd;
  #rolling: Promise<void> | undefined;
  /** A new segment may be there already: nothing goes into the old one any more. */
  #rollBegun = false;

  private constructor(
    options: LogOptions,
    opened: { segments: SegmentFile[]; salt: number; end: ChainEnd; file: AppendFile },
  ) {
    this.#options = options;
    this.#segments = opened.segments;
    this.#salt = opened.salt;
    this.#codec = new RecordCodec(opened.salt);
    this.#written = opened.end;
    this.#durable = opened.end;
    this.#file = opened.file;
  }

  /**
   * Opens the log, cuts off a torn tail and shows `visit` every entry above `after`.
   * @throws QuarryError `Damaged` when entries above `after` are missing or harmed.
   */
  static async open(options: LogOptions, after: LogIndex, visit: Visit): Promise<Log> {
    const { disk, directory, random } = options;
    await disk.makeDirectory(directory);
    const segments = await listSegments(disk, directory);
    const last = await readAll(options, segments, after, visit);
    if (last !== undefined && last.read.end.index >= after) {
      const { read, path } = last;
      const log: { current?: Log } = {};
      const file = await openTail(options, path, read, log);
      log.current = new Log(options, { segments, salt: read.head.salt, end: read.end, file });
      return log.current;
    }
    // A new log; or one whose end the machine lost, where entries are not synced before the answer.
    const end: ChainEnd = { ...(last?.read.end ?? chainStart), index: after };
    const salt = last?.read.head.salt ?? random.u32();
    const log: { current?: Log } = {};
    const { segment, file } = await makeSegment(options, salt, end, log);
    log.current = new Log(options, { segments: [...segments, segment], salt, end, file });
    return log.current;
  }

  /** Index of the last durable entry. */
  get durableIndex(): LogIndex {
    return this.#durable.index;
  }

  /** Resolves when the entry is as durable as the mode promises, with its place in the log. */
  async append(payload: Buffer): Promise<Stamp> {
    while (this.#rolling !== undefined) await this.#rolling;
    const segmentBytes = this.#options.segmentBytes ?? limits.logSegmentBytes;
    const lengthBytes = RECORD_HEAD_BYTES + payload.length;
    const { tailBytes } = this.#file;
    const full = tailBytes > SEGMENT_HEAD_BYTES && tailBytes + lengthBytes > segmentBytes;
    if (full || this.#rollBegun) {
      this.#rolling ??= this.#roll().finally(() => {
        this.#rolling = undefined;
      });
      await this.#rolling;
      return await this.append(payload);
    }
    let written = this.#written;
    const build = (_offset: number, syncedBytes: number) => {
      const timeMs = Math.max(this.#options.clock.nowMs(), this.#written.timeMs);
      const index = (this.#written.index + 1) as LogIndex;
      const head = recordHead("entry", { ...this.#written, index, timeMs }, syncedBytes);
      const { bytes, check } = this.#codec.encodeHead(head, payload);
      written = { index, check, timeMs };
      this.#written = written;
      return [bytes, payload];
    };
    return await this.#file.append(lengthBytes, build).then(
      () => {
        this.#durable = written;
        return written;
      },
      (error: unknown) => {
        // The file is cut back to the last good group; so is the chain.
        if (hasCode(error, "DiskFull")) this.#written = this.#durable;
        throw error;
      },
    );
  }

  /** The mark that tells the last synced group from a torn one (base/append-file.ts). */
  buildMark(syncedBytes: number): Buffer[] {
    const head = recordHead("mark", this.#written, syncedBytes);
    return [this.#codec.encodeHead(head, Buffer.alloc(0)).bytes];
  }

  /** Everything appended so far is on the disk, whatever the durability. */
  async flush(): Promise<void> {
    while (this.#rolling !== undefined) await this.#rolling;
    await this.#file.flush();
  }

  /** Removes segments that hold nothing above `index`. */
  async cut(index: LogIndex): Promise<void> {
    for (;;) {
      const [oldest, next] = this.#segments;
      if (oldest === undefined || next === undefined || next.firstIndex > index + 1) return;
      this.#segments = this.#segments.slice(1);
      // One after the other and oldest first, so that what is left has no gap.
      await this.#options.disk.remove(oldest.path);
      await this.#options.disk.syncDirectory(this.#options.directory);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#rolling !== undefined) await this.#rolling.catch(() => undefined);
    await this.#file.close();
  }

  async #roll(): Promise<void> {
    await this.#file.flush();
    assert(this.#written.index === this.#durable.index, "a segment ends when all of it is durable");
    this.#rollBegun = true;
    const self = { current: this as Log };
    const { segment, file } = await makeSegment(this.#options, this.#salt, this.#written, self);
    const old = this.#file;
    this.#file = file;
    this.#segments = [...this.#segments, segment];
    this.#rollBegun = false;
    await old.close();
  }
}

function recordHead(kind: RecordKind, at: ChainEnd, syncedBytes: number) {
  const { index, timeMs, check } = at;
  return {
    kind,
    previousCheck: check,
    index,
    term: 0,
    timeMs,
    session: 0,
    sequence: 0,
    syncedBytes,
  };
}

function appendFile(
  options: LogOptions,
  state: Pick<ConstructorParameters<typeof AppendFile>[0], "file" | "tailBytes" | "syncedBytes">,
  log: { current?: Log },
): AppendFile {
  const { durability, clock, onFailure, segmentBytes } = options;
  return new AppendFile({
    ...state,
    durability,
    clock,
    extendBytes: Math.min(limits.extendBytes, segmentBytes ?? limits.logSegmentBytes),
    mark: {
      lengthBytes: RECORD_HEAD_BYTES,
      build: (_offset, syncedBytes) => log.current?.buildMark(syncedBytes) ?? [],
    },
    ...(onFailure !== undefined && { onFailure }),
  });
}

/** Makes a segment that goes on behind `end`; it appears whole or not at all. */
async function makeSegment(
  options: LogOptions,
  salt: number,
  end: ChainEnd,
  log: { current?: Log },
): Promise<{ segment: SegmentFile; file: AppendFile }> {
  const firstIndex = (end.index + 1) as LogIndex;
  const path = `${options.directory}/${segmentName(firstIndex)}`;
  const head = { format: LOG_FORMAT, firstIndex, timeMs: end.timeMs, salt };
  const bytes = encodeSegmentHead({ ...head, previousCheck: end.check });
  await replaceWhole(options.disk, path, bytes);
  const file = await options.disk.open(path, "write");
  const at = { tailBytes: SEGMENT_HEAD_BYTES, syncedBytes: SEGMENT_HEAD_BYTES };
  return { segment: { path, firstIndex }, file: appendFile(options, { file, ...at }, log) };
}

/** Opens the last segment for appending, without what was torn behind its last record. */
async function openTail(
  options: LogOptions,
  path: string,
  read: ReadSegment,
  log: { current?: Log },
): Promise<AppendFile> {
  const file = await options.disk.open(path, "write");
  await file.truncate(read.tailBytes);
  await rewrite(file, read.syncedBytes, read.tailBytes);
  await file.sync();
  return appendFile(options, { file, tailBytes: read.tailBytes, syncedBytes: read.tailBytes }, log);
}

/** Reads all segments in order, checks that they join, and visits the entries above `after`. */
async function readAll(
  options: LogOptions,
  segments: readonly SegmentFile[],
  after: LogIndex,
  visit: Visit,
): Promise<{ path: string; read: ReadSegment } | undefined> {
  let last: { path: string; read: ReadSegment } | undefined;
  for (const segment of segments) {
    const read = await readSegment(options.disk, segment);
    if (last === undefined ? segment.firstIndex > after + 1 : !joins(last.read, read, after)) {
      const had = last?.read.end.index ?? after;
      const place = last === undefined ? 0 : last.read.tailBytes;
      throw damaged(
        last?.path ?? segment.path,
        place,
        `entries ${had + 1} to ${segment.firstIndex - 1} are missing, or do not fit together`,
      );
    }
    for (const entry of read.entries) if (entry.index > after) await visit(entry, entry.payload);
    last = { path: segment.path, read };
  }
  if (options.durability === "commit" && (last?.read.end.index ?? after) < after)
    throw damaged(
      last?.path ?? options.directory,
      last?.read.tailBytes ?? 0,
      `the state knows entry ${after}, the log ends at ${last?.read.end.index ?? 0}`,
    );
  return last;
}

/** A segment goes on where the one before ended; or beyond it, with entries that the state holds. */
function joins(before: ReadSegment, next: ReadSegment, after: LogIndex): boolean {
  const { head } = next;
  if (head.firstIndex === before.end.index + 1) return head.previousCheck === before.end.check;
  return head.firstIndex > before.end.index && head.firstIndex <= after + 1;
}
