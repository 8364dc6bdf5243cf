/**
 * The replicated log's own files: entries with continuous indexes in segments, made durable in
 * groups. The chain of checks ties each to all before it. Entries that were not committed can be
 * replaced; old segments are cut off once the state no longer needs them.
 */
import { AppendFile, type Durability } from "../../base/append-file.ts";
import type { Clock } from "../../base/clock.ts";
import { type Disk, replaceWhole } from "../../base/disk.ts";
import { assert, hasCode, QuarryError } from "../../base/errors.ts";
import type { LogIndex } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Random } from "../../base/random.ts";
import { type Entry, NO_DATA } from "../../raft/entry.ts";
import { Chain, type LogBase } from "./chain.ts";
import {
  encodeSegmentHead,
  LOG_FORMAT,
  RECORD_HEAD_BYTES,
  RecordCodec,
  SEGMENT_HEAD_BYTES,
} from "./record.ts";
import {
  damaged,
  mendTail,
  missing,
  noteNewest,
  readSegments,
  type SegmentFile,
  segmentPath,
} from "./segments.ts";

export interface LogOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly directory: string;
  readonly durability: Durability;
  readonly segmentBytes?: number;
  readonly onFailure?: (failure: QuarryError) => void;
}

/** Where an entry stands; of the entry before a log, all that the log knows of it. */
export type Place = Pick<Entry, "index" | "term" | "timeMs">;

export interface OpenedLog {
  readonly log: Log;
  /** The entry before the first of `entries`. */
  readonly base: Place;
  readonly entries: Entry[];
}

export class Log implements AsyncDisposable {
  readonly #options: LogOptions;
  readonly #codec: RecordCodec;
  readonly #salt: number;
  #segments: readonly SegmentFile[];
  #file: AppendFile;
  #chain: Chain;
  /** The last accepted entry, the last built into a record, the last that is durable. */
  #last: Place;
  #built: Place;
  #durable: Place;
  #rolling: Promise<void> | undefined;
  /** A new segment may be there already: nothing goes into the old one any more. */
  #rollBegun = false;

  private constructor(
    options: LogOptions,
    opened: { segments: readonly SegmentFile[]; salt: number; chain: Chain; last: Place },
    file: (log: () => Log) => AppendFile,
  ) {
    this.#options = options;
    this.#segments = opened.segments;
    this.#salt = opened.salt;
    this.#codec = new RecordCodec(opened.salt);
    this.#chain = opened.chain;
    this.#last = opened.last;
    this.#built = opened.last;
    this.#durable = opened.last;
    this.#file = file(() => this);
  }

  /**
   * Opens the log and cuts off a torn tail. `state` is the last entry that the applied state holds. A
   * log may end before a state that is installed: then a kill came between, and it is to be reset.
   * @throws QuarryError `Damaged` when entries above it are missing or harmed; `NewerFormat`.
   */
  static async open(options: LogOptions, state: Place, isInstalled = false): Promise<OpenedLog> {
    const { disk, directory, random, durability } = options;
    await disk.makeDirectory(directory);
    const read = await readSegments(disk, directory);
    const base = read?.base ?? { ...state, check: 0 };
    const entries = read?.entries ?? [];
    const last = entries.at(-1) ?? base;
    const path = read?.segments.at(-1)?.path ?? directory;
    if (base.index > state.index) throw damaged(path, 0, missing(state.index + 1, base.index));
    if (read !== undefined && (last.index >= state.index || isInstalled)) {
      const { chain, segments, tailBytes } = read;
      const file = await mendTail(disk, path, read);
      const { salt } = read.head;
      const log = new Log(options, { segments, salt, chain, last }, (self) =>
        appendFile(options, { file, tailBytes, syncedBytes: tailBytes }, self),
      );
      return { log, base, entries };
    }
    if (read !== undefined && durability === "commit")
      throw damaged(
        path,
        read.tailBytes,
        `the state knows entry ${state.index}, the log ends at ${last.index}`,
      );
    // A new log; or one whose end the machine lost, where entries are not synced before the answer.
    const salt = read?.head.salt ?? random.u32();
    const begin = { ...state, check: random.u32() };
    const segments = read?.segments ?? [];
    const number = (segments.at(-1)?.number ?? 0) + 1;
    const made = await makeSegment(options, salt, begin, true, number);
    const opened = { segments: [...segments, made.segment], salt, chain: new Chain(begin) };
    const log = new Log(options, { ...opened, last: state }, made.file);
    return { log, base: state, entries: [] };
  }

  /** The last entry that was accepted, durable or not. */
  get last(): Place {
    return this.#last;
  }

  /**
   * Resolves when the entries are as durable as the mode promises. They follow the last one or take
   * the place of entries from their first index on. Calls take effect in their order.
   * @throws QuarryError `DiskFull`: the log ends with its last durable entry again.
   */
  async append(entries: readonly Entry[]): Promise<void> {
    const last = entries.at(-1);
    if (last === undefined) return;
    while (this.#rolling !== undefined) await this.#rolling;
    const lengthBytes = entries.reduce((sum, { data }) => sum + RECORD_HEAD_BYTES + data.length, 0);
    if (this.#isFull(lengthBytes)) {
      this.#rolling ??= this.#roll().finally(() => {
        this.#rolling = undefined;
      });
      await this.#rolling;
      return await this.append(entries);
    }
    if ((entries[0]?.index ?? 0) > this.#last.index + 1)
      throw new QuarryError("DiskFull", "an entry before this one found no room");
    this.#last = last;
    const build = (_offset: number, syncedBytes: number) =>
      this.#build(entries, lengthBytes, syncedBytes);
    try {
      await this.#file.append(lengthBytes, build);
      this.#durable = last;
      this.#chain.keep();
    } catch (error) {
      // The file is cut back to the last good group; so is the chain.
      if (hasCode(error, "DiskFull")) this.#backTo(this.#durable);
      throw error;
    }
  }

  #isFull(lengthBytes: number): boolean {
    const segmentBytes = this.#options.segmentBytes ?? limits.logSegmentBytes;
    const { tailBytes } = this.#file;
    const full = tailBytes > SEGMENT_HEAD_BYTES && tailBytes + lengthBytes > segmentBytes;
    return full || this.#rollBegun;
  }

  /** All records in one piece: a system call takes longer over many. */
  #build(entries: readonly Entry[], lengthBytes: number, syncedBytes: number): Uint8Array[] {
    const records = Buffer.allocUnsafe(lengthBytes);
    let at = 0;
    for (const entry of entries) {
      const { index } = entry;
      const before = this.#chain.checkBefore(index);
      this.#chain.set(index, this.#codec.encode(records, at, entry, before, syncedBytes));
      this.#built = entry;
      at += RECORD_HEAD_BYTES + entry.data.length;
    }
    return [records];
  }

  #backTo(place: Place): void {
    this.#chain.restore();
    this.#chain.drop((place.index + 1) as LogIndex);
    this.#last = place;
    this.#built = place;
  }

  /** The mark that tells the last synced group from a torn one (base/append-file.ts). */
  buildMark(syncedBytes: number): Uint8Array[] {
    const { index, term, timeMs } = this.#built;
    const mark = { kind: "mark", index, term, timeMs, session: 0, sequence: 0 } as const;
    const previous = this.#chain.checkBefore((index + 1) as LogIndex);
    const record = Buffer.allocUnsafe(RECORD_HEAD_BYTES);
    this.#codec.encode(record, 0, { ...mark, data: NO_DATA }, previous, syncedBytes);
    return [record];
  }

  /** Everything appended so far is on the disk, whatever the durability. */
  async flush(): Promise<void> {
    while (this.#rolling !== undefined) await this.#rolling;
    await this.#file.flush();
  }

  /** Removes segments that hold nothing above `index`, all of which are committed. */
  async cut(index: LogIndex): Promise<void> {
    this.#chain.forget((index - 1) as LogIndex);
    for (;;) {
      const [oldest, next] = this.#segments;
      if (oldest === undefined || next === undefined || next.base.index > index) return;
      this.#segments = this.#segments.slice(1);
      await this.#remove(oldest);
    }
  }

  /** The log begins anew behind a state that was installed; what it held before is void. */
  async reset(state: Place): Promise<void> {
    while (this.#rolling !== undefined) await this.#rolling;
    const old = this.#segments;
    await this.#nextSegment({ ...state, check: this.#options.random.u32() }, true);
    this.#last = state;
    this.#built = state;
    this.#durable = state;
    for (const segment of old) {
      this.#segments = this.#segments.slice(1);
      await this.#remove(segment);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#rolling !== undefined) await this.#rolling.catch(() => undefined);
    await this.#file.close();
  }

  /** One after the other and oldest first, so that what is left has no gap. */
  async #remove(segment: SegmentFile): Promise<void> {
    await this.#options.disk.remove(segment.path);
    await this.#options.disk.syncDirectory(this.#options.directory);
  }

  async #roll(): Promise<void> {
    await this.#file.flush();
    const { index, term, timeMs } = this.#built;
    assert(index === this.#durable.index, "a segment ends when all of it is durable");
    this.#rollBegun = true;
    const check = this.#chain.checkBefore((index + 1) as LogIndex);
    await this.#nextSegment({ index, term, timeMs, check }, false);
    this.#rollBegun = false;
  }

  async #nextSegment(base: LogBase, anew: boolean): Promise<void> {
    const number = (this.#segments.at(-1)?.number ?? 0) + 1;
    const { segment, file } = await makeSegment(this.#options, this.#salt, base, anew, number);
    const old = this.#file;
    if (anew) this.#chain = new Chain(base);
    this.#file = file(() => this);
    this.#segments = [...this.#segments, segment];
    // A mark would name the check of an entry that the new chain does not know.
    await old.close({ mark: !anew });
  }
}

function appendFile(
  options: LogOptions,
  state: Pick<ConstructorParameters<typeof AppendFile>[0], "file" | "tailBytes" | "syncedBytes">,
  log: () => Log,
): AppendFile {
  const { durability, clock, onFailure, segmentBytes } = options;
  return new AppendFile({
    ...state,
    durability,
    clock,
    extendBytes: Math.min(limits.extendBytes, segmentBytes ?? limits.logSegmentBytes),
    mark: {
      lengthBytes: RECORD_HEAD_BYTES,
      build: (_offset, syncedBytes) => log().buildMark(syncedBytes),
    },
    ...(onFailure !== undefined && { onFailure }),
  });
}

/** Makes a segment that goes on behind `base`; it appears whole or not at all. */
async function makeSegment(
  options: LogOptions,
  salt: number,
  base: LogBase,
  anew: boolean,
  number: number,
): Promise<{ segment: SegmentFile; file: (log: () => Log) => AppendFile }> {
  const path = segmentPath(options.directory, number);
  const bytes = encodeSegmentHead({ format: LOG_FORMAT, base, salt, anew });
  await replaceWhole(options.disk, path, bytes);
  await noteNewest(options.disk, options.directory, number);
  const file = await options.disk.open(path, "write");
  const at = { tailBytes: SEGMENT_HEAD_BYTES, syncedBytes: SEGMENT_HEAD_BYTES };
  return {
    segment: { path, number, base },
    file: (log) => appendFile(options, { file, ...at }, log),
  };
}
