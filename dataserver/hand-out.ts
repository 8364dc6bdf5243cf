/**
 * What a block gives to other dataservers: the list of what it holds, from memory, and needles as they
 * stand in the file, neighbours with one read. Who receives them verifies the data; here that is done
 * only when it is asked for, so that what has rotted is noted.
 */
import { payloadPool } from "../base/buffer-pool.ts";
import type { DiskFile } from "../base/disk.ts";
import { hasCode, QuarryError } from "../base/errors.ts";
import type { NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import {
  type Fetched,
  type FetchedNeedle,
  INVENTORY_ROW_BYTES,
  type Inventory,
  type Records,
} from "../rpc/healing-service.ts";
import { firstBadSpan } from "../rpc/needle-checksums.ts";
import type { Block } from "./block.ts";
import { noteUnreadable } from "./block-reads.ts";
import type { IndexRows, Place } from "./needle-index.ts";
import { decodeFooter, decodeHeader, footerBytes, HEADER_BYTES, recordBytes } from "./record.ts";
import type { Damage } from "./report.ts";

/** A gap of at most this is read along: a removed needle, tombstones, a mark. */
const GAP_BYTES = 16 * 1024;

export function inventoryOf(block: Block, after: NeedleId): Inventory {
  const rows = block.index.sortedRows();
  const from = firstBehind(rows, after);
  const most = Math.floor(limits.inventoryBytes / INVENTORY_ROW_BYTES);
  const count = Math.min(rows.count - from, most);
  const bytes = Buffer.alloc(count * INVENTORY_ROW_BYTES);
  const columns = [rows.low, rows.high, rows.lengths, rows.offset8];
  for (let i = 0; i < count; i++)
    for (let c = 0; c < columns.length; c++)
      bytes.writeUInt32LE(columns[c]?.[from + i] ?? 0, i * INVENTORY_ROW_BYTES + c * 4);
  const { piece, k, m, salt } = block.superblock;
  const { digest } = block.index;
  const inventory = { rows: bytes, piece: { piece, scheme: { k, m } }, salt, digest };
  if (from + count === rows.count) return inventory;
  return { ...inventory, next: idAt(rows, from + count - 1) };
}

const idAt = (rows: IndexRows, row: number) =>
  ((BigInt(rows.high[row] ?? 0) << 32n) | BigInt(rows.low[row] ?? 0)) as NeedleId;

/** The first row with an id above `after`; 0 is no needle's. */
function firstBehind(rows: IndexRows, after: NeedleId): number {
  let from = 0;
  let to = after === 0n ? 0 : rows.count;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (idAt(rows, middle) <= after) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Records as they stand in the file. @throws QuarryError `DiskFailed`. */
export async function recordsAt(
  block: Block,
  offset: number,
  lengthBytes: number,
): Promise<Records> {
  const most = Math.max(limits.fetchBytes, recordBytes(limits.needleBytes));
  const isRange = Number.isSafeInteger(offset) && offset >= 0 && lengthBytes >= 0;
  if (!isRange || !(lengthBytes <= most))
    throw new QuarryError("TooLarge", `at most ${most} bytes of a block in one request`);
  const data = payloadPool.take(Math.max(0, Math.min(lengthBytes, block.settledBytes - offset)));
  try {
    const got = await block.home.files.use(block.path, (file) => file.read(data, offset));
    return { data: data.subarray(0, got) };
  } catch (error) {
    payloadPool.give(data);
    throw error;
  }
}

/** A needle that is asked for and known. */
interface Wanted extends Place {
  readonly needle: NeedleId;
}

/** Neighbours in the file: one read. */
interface Run {
  readonly offset: number;
  endOffset: number;
  readonly wanted: Wanted[];
}

export async function fetchNeedles(
  block: Block,
  needles: readonly NeedleId[],
  check = false,
): Promise<Fetched> {
  if (needles.length > limits.fetchNeedles)
    throw new QuarryError("TooLarge", `at most ${limits.fetchNeedles} needles in one request`);
  const absent: NeedleId[] = [];
  const { runs, totalBytes } = runsOf(block, needles, absent);
  const data = payloadPool.take(totalBytes);
  const found: FetchedNeedle[] = [];
  try {
    await block.home.files.use(block.path, async (file) => {
      let at = 0;
      for (const run of runs) {
        const bytes = data.subarray(at, at + run.endOffset - run.offset);
        await takeFrom(block, file, run, { bytes, at, found, absent, check });
        at += bytes.length;
      }
    });
    const { piece, k, m } = block.superblock;
    return { needles: found, absent, data, piece: { piece, scheme: { k, m } } };
  } catch (error) {
    payloadPool.give(data);
    throw error;
  }
}

/** As many as fit into one answer, at least one. */
function runsOf(block: Block, needles: readonly NeedleId[], absent: NeedleId[]) {
  const runs: Run[] = [];
  let totalBytes = 0;
  for (const needle of needles) {
    const place = block.here(needle);
    if (place === undefined) {
      absent.push(needle);
      continue;
    }
    const endOffset = place.offset + recordBytes(place.lengthBytes);
    const last = runs.at(-1);
    const gap = last === undefined ? -1 : place.offset - last.endOffset;
    const joins = last !== undefined && gap >= 0 && gap <= GAP_BYTES;
    const growth = endOffset - (joins ? last.endOffset : place.offset);
    if (totalBytes > 0 && totalBytes + growth > limits.fetchBytes) break;
    totalBytes += growth;
    const wanted = { needle, ...place };
    if (joins) {
      last.endOffset = endOffset;
      last.wanted.push(wanted);
    } else runs.push({ offset: place.offset, endOffset, wanted: [wanted] });
  }
  return { runs, totalBytes };
}

interface Taking {
  readonly bytes: Buffer;
  /** Where `bytes` stands in the payload. */
  readonly at: number;
  readonly found: FetchedNeedle[];
  readonly absent: NeedleId[];
  readonly check: boolean;
}

/** A run that cannot be read is read needle by needle: a bad sector harms no more than it holds. */
async function takeFrom(block: Block, file: DiskFile, run: Run, taking: Taking): Promise<void> {
  const { bytes } = taking;
  const isWhole = await isReadable(file, bytes, run.offset);
  for (const wanted of run.wanted) {
    const at = wanted.offset - run.offset;
    const record = bytes.subarray(at, at + recordBytes(wanted.lengthBytes));
    if (isWhole || (await isReadable(file, record, wanted.offset)))
      await takeOne(block, wanted, record, taking.at + at, taking);
    else {
      await noteUnreadable(block, wanted);
      taking.absent.push(wanted.needle);
    }
  }
}

/** Fills `bytes`, unless the disk cannot read them. */
async function isReadable(file: DiskFile, bytes: Buffer, offset: number): Promise<boolean> {
  try {
    // Of a file that has become shorter the rest reads as nothing.
    bytes.fill(0, await file.read(bytes, offset));
    return true;
  } catch (error) {
    if (!hasCode(error, "DiskFailed")) throw error;
    return false;
  }
}

/** `record` stands at `at` of the payload. */
async function takeOne(
  block: Block,
  wanted: Wanted,
  record: Buffer,
  at: number,
  { found, absent, check }: Taking,
): Promise<void> {
  const needle = whole(block, wanted, record);
  const bad = needle !== undefined && check ? badSpan(block, needle, record) : undefined;
  if (needle !== undefined && bad === undefined) {
    found.push({ ...needle, at: at + HEADER_BYTES });
    return;
  }
  if (bad === undefined) await noteUnreadable(block, wanted);
  else {
    const damage = { ...bad, offset: wanted.offset + bad.offset };
    await block.noteDamage(damage, "a needle", wanted.needle);
  }
  absent.push(wanted.needle);
}

/** The needle, when its header and its footer are. */
function whole(
  block: Block,
  { needle, offset, lengthBytes }: Wanted,
  bytes: Buffer,
): Omit<FetchedNeedle, "at"> | undefined {
  const header = decodeHeader(block.seed, offset, bytes);
  if (header?.kind !== "needle" || header.needle !== needle) return undefined;
  if (header.lengthBytes !== lengthBytes) return undefined;
  const footAt = HEADER_BYTES + lengthBytes;
  const foot = bytes.subarray(footAt, footAt + footerBytes(lengthBytes));
  const checksums = decodeFooter(bytes, foot, lengthBytes)?.checksums;
  if (checksums === undefined) return undefined;
  const { blob, chunk } = header;
  return { needle, lengthBytes, owner: { blob, chunk }, checksums };
}

/** The first bytes of a record that are not what was stored. */
function badSpan(
  block: Block,
  { needle, lengthBytes, checksums }: Omit<FetchedNeedle, "at">,
  record: Buffer,
): Damage | undefined {
  const data = record.subarray(HEADER_BYTES, HEADER_BYTES + lengthBytes);
  const bad = firstBadSpan(block.superblock.block, needle, lengthBytes, data, checksums);
  if (bad < 0) return undefined;
  const span = limits.checksumSpanBytes;
  const at = bad * span;
  return { offset: HEADER_BYTES + at, lengthBytes: Math.min(span, lengthBytes - at) };
}
