/**
 * Reading the log's segment files: which there are, what each holds, where the last one ends. A bad
 * record is a torn tail only if nothing says that it was synced; otherwise it is damage, and nothing
 * behind it may be dropped in silence.
 */
import { crc32c } from "../../base/checksum.ts";
import { type Disk, readWhole, replaceWhole } from "../../base/disk.ts";
import { hasCode, QuarryError } from "../../base/errors.ts";
import { rewrite } from "../../base/rewrite.ts";
import type { Entry } from "../../raft/entry.ts";
import { Chain, type LogBase } from "./chain.ts";
import {
  decodeSegmentHead,
  LOG_FORMAT,
  RecordCodec,
  SEGMENT_HEAD_BYTES,
  type SegmentHead,
} from "./record.ts";

export interface SegmentFile {
  readonly path: string;
  /** Grows from segment to segment. */
  readonly number: number;
  /** The entry before the first of the segment; known once it was read or made. */
  readonly base: LogBase;
}

export function segmentPath(directory: string, number: number): string {
  return `${directory}/${number.toString(16).padStart(8, "0")}.qlog`;
}

/** Numbers of the segments of a folder, in order. A half-made one (`.new`) was never written to. */
export async function listSegments(disk: Disk, directory: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await disk.list(directory)) {
    const match = /^([0-9a-f]{8})\.qlog$/.exec(name);
    if (match?.[1] !== undefined) found.push(Number.parseInt(match[1], 16));
  }
  return found.sort((a, b) => a - b);
}

export const damaged = (path: string, offset: number, what: string) =>
  new QuarryError(
    "Damaged",
    `${path} is damaged at byte ${offset}: ${what}. Nothing was changed; restore the nameserver's folder from a backup`,
  );

/** What all segments together hold. */
export interface LogContents {
  readonly segments: readonly SegmentFile[];
  readonly head: SegmentHead;
  readonly base: LogBase;
  /** The live entries behind the base. */
  readonly entries: Entry[];
  readonly chain: Chain;
  /** In the last segment: behind the last good record, and how far it is said to be synced. */
  readonly tailBytes: number;
  readonly syncedBytes: number;
}

/**
 * Reads all segments in order and checks that they join; undefined when there is none.
 * @throws QuarryError `Damaged` with file and offset, `NewerFormat`.
 */
export async function readSegments(
  disk: Disk,
  directory: string,
): Promise<LogContents | undefined> {
  let last: LogContents | undefined;
  for await (const read of segmentsOf(disk, directory)) last = read;
  last?.chain.keep();
  await checkNewest(disk, directory, last?.segments.at(-1)?.number ?? 0);
  return last;
}

/** What a damaged log holds before its damage: entries that follow `state`, which it holds too. */
export async function goodEntries(
  disk: Disk,
  directory: string,
  state: Pick<Entry, "index" | "term">,
): Promise<Entry[]> {
  // Of the damaged segment, too: what is good before the damage is gathered in its list.
  let begun: Pick<LogContents, "base" | "entries"> | undefined;
  try {
    const reading = segmentsOf(disk, directory, (read) => {
      begun = read;
    });
    for await (const read of reading) begun = read;
  } catch (error) {
    if (!hasCode(error, "Damaged")) throw error;
  }
  if (begun === undefined) return [];
  const { base, entries } = begun;
  const at = state.index - base.index;
  const known = at === 0 ? base : entries[at - 1];
  return known?.index === state.index && known.term === state.term ? entries.slice(at) : [];
}

/** The contents up to the end of each segment in turn. */
async function* segmentsOf(
  disk: Disk,
  directory: string,
  onBegin: (begun: Pick<LogContents, "base" | "entries">) => void = () => undefined,
): AsyncGenerator<LogContents> {
  let read: LogContents | undefined;
  for (const number of await listSegments(disk, directory)) {
    const path = segmentPath(directory, number);
    const bytes = await readWhole(disk, path);
    const head = readHead(path, bytes);
    const { base } = head;
    const segment = { path, number, base };
    if (read === undefined || head.anew) {
      const segments = [...(read?.segments ?? []), segment];
      const begun = { segments, head, base, entries: [], chain: new Chain(base) };
      onBegin(begun);
      read = readRecords(path, bytes, begun);
      yield read;
      continue;
    }
    const { chain, tailBytes } = read;
    const before = read.segments.at(-1)?.path ?? path;
    if (base.index > chain.lastIndex)
      throw damaged(before, tailBytes, missing(chain.lastIndex + 1, base.index));
    const joins = chain.accepts(next(base)) && chain.checkBefore(next(base)) === base.check;
    if (!joins)
      throw damaged(before, tailBytes, `what follows in ${path} does not fit to its entries`);
    read = readRecords(path, bytes, { ...read, segments: [...read.segments, segment], head });
    yield read;
  }
}

const newestPath = (directory: string) => `${directory}/newest`;

/** Notes that there is a segment of this number, so that the loss of the last one is seen. */
export async function noteNewest(disk: Disk, directory: string, number: number): Promise<void> {
  const text = number.toString(16).padStart(8, "0");
  await replaceWhole(disk, newestPath(directory), Buffer.from(`${text} ${checkOf(text)}\n`));
}

const checkOf = (text: string) => crc32c(Buffer.from(text)).toString(16).padStart(8, "0");

/** A note that is harmed says nothing: it only guards against a loss. */
async function checkNewest(disk: Disk, directory: string, last: number): Promise<void> {
  const path = newestPath(directory);
  if (!(await disk.exists(path))) return;
  const [, text, check] =
    /^([0-9a-f]{8}) ([0-9a-f]{8})\n$/.exec((await readWhole(disk, path)).toString()) ?? [];
  if (text === undefined || check !== checkOf(text) || Number.parseInt(text, 16) <= last) return;
  throw damaged(segmentPath(directory, Number.parseInt(text, 16)), 0, "the file is gone");
}

const next = ({ index }: { readonly index: number }) => (index + 1) as Entry["index"];

export const missing = (from: number, to: number) =>
  `entries ${from} to ${to} are missing, or do not fit together`;

function readHead(path: string, bytes: Buffer): SegmentHead {
  const head = decodeSegmentHead(bytes);
  if (head === undefined) throw damaged(path, 0, "the header of the segment fails its checksum");
  if (head.format > LOG_FORMAT)
    throw new QuarryError("NewerFormat", `${path} has format ${head.format}: update Quarry`);
  if (head.format < LOG_FORMAT)
    throw new QuarryError("Damaged", `${path} was written before the first release of Quarry`);
  return head;
}

/** Goes on with the records of one segment. */
function readRecords(
  path: string,
  bytes: Buffer,
  read: Omit<LogContents, "tailBytes" | "syncedBytes">,
): LogContents {
  const { entries, head } = read;
  let { chain, base } = read;
  const codec = new RecordCodec(head.salt);
  let tailBytes = SEGMENT_HEAD_BYTES;
  let syncedBytes = SEGMENT_HEAD_BYTES;
  for (;;) {
    const record = codec.decode(bytes, tailBytes);
    if (record === undefined) break;
    const { entry } = record;
    if (entry !== undefined && entry.index <= base.index) {
      // It took the place of one that was cut off with its segment: the log begins behind it.
      const { index, term, timeMs } = entry;
      base = { index, term, timeMs, check: record.check };
      chain = new Chain(base);
      entries.length = 0;
    } else if (entry !== undefined) {
      if (!chain.accepts(entry.index)) break;
      if (record.previousCheck !== chain.checkBefore(entry.index)) break;
      chain.set(entry.index, record.check);
      entries.length = entry.index - base.index - 1;
      entries.push(entry);
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
  return { ...read, base, chain, tailBytes, syncedBytes };
}

/** Makes the end of the last segment sure: nothing torn behind it, nothing that was never synced. */
export async function mendTail(
  disk: Disk,
  path: string,
  { tailBytes, syncedBytes }: Pick<LogContents, "tailBytes" | "syncedBytes">,
) {
  const file = await disk.open(path, "write");
  await file.truncate(tailBytes);
  await rewrite(file, syncedBytes, tailBytes);
  await file.sync();
  return file;
}
