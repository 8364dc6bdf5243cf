/**
 * The needles that k sources have, each another piece of them: their records as they stand in their
 * files, a window at a time, checked, and the wanted piece computed of the whole column at once, where
 * it is to stand in the new file. What is not whole somewhere is left for whoever goes needle by needle.
 */
import { payloadPool } from "../../base/buffer-pool.ts";
import { assert } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Codec } from "../../erasure/codec.ts";
import { HEADER_BYTES, recordBytes } from "../record.ts";
import { isNeedleAt, type RecordSeed, sealAround } from "../records-in-place.ts";
import { ahead, type Begun } from "./ahead.ts";
import type { Making } from "./making.ts";
import { type Run, rowsInOrder, runsOf, windows } from "./runs.ts";
import { recordsOf, type SeededSource } from "./sources.ts";
import type { Column } from "./way.ts";

/** Of one source: what came of a window. */
interface Came {
  readonly run: Run;
  readonly bytes: Buffer;
}

interface Window {
  readonly rows: Uint32Array;
  /** By column; undefined where something cannot be read. */
  readonly came: readonly (readonly Came[] | undefined)[];
}

/** A window that falls into more parts at a source is not worth it. */
const MOST_RUNS = 16;

/** What is asked of each of k sources at once. */
const windowBytes = (k: number) => Math.min(limits.fetchBytes, limits.rebuildWindowBytes / k);

export async function decodeFrom(
  making: Making,
  codec: Codec,
  columns: readonly Column[],
): Promise<void> {
  const [first] = columns;
  if (first === undefined) return;
  const all = columns.reduce((bits, { s }) => bits | (1 << s), 0);
  const rows = rowsInOrder(making.plan, first.s, all);
  const begun = begin(making, columns, rows);
  for await (const window of ahead(begun, limits.rebuildAheadBytes, drop)) {
    try {
      const { came } = window;
      await making.read(came.reduce((sum, one) => sum + (one?.reduce(bytesOf, 0) ?? 0), 0));
      const whole = came.filter((one) => one !== undefined);
      if (whole.length === columns.length) await takeIn(making, codec, columns, window.rows, whole);
    } finally {
      drop(window);
    }
  }
}

const bytesOf = (sum: number, { bytes }: Came) => sum + bytes.length;

function drop({ came }: Window): void {
  for (const one of came) for (const { bytes } of one ?? []) payloadPool.give(bytes);
}

function* begin(
  { plan }: Making,
  columns: readonly Column[],
  rows: Uint32Array,
): Generator<Begun<Window>> {
  for (const window of windows(plan, rows, windowBytes(columns.length))) {
    const runs = columns.map(({ s }) => runsOf(plan, s, window));
    if (runs.some(({ length }) => length > MOST_RUNS)) continue;
    const bytes = runs.flat().reduce((sum, run) => sum + run.endOffset - run.offset, 0);
    const coming = fetchAll(columns, runs).then((came) => ({ rows: window, came }));
    yield { bytes, coming };
  }
}

/** All of it, or nothing stays. */
async function fetchAll(
  columns: readonly Column[],
  runs: readonly (readonly Run[])[],
): Promise<Window["came"]> {
  const ends = await Promise.allSettled(
    columns.map(async ({ source }, i) => await fetchRuns(source, runs[i] ?? [])),
  );
  const failed = ends.find((end) => end.status === "rejected");
  const came = ends.map((end) => (end.status === "fulfilled" ? end.value : undefined));
  if (failed === undefined) return came;
  drop({ rows: new Uint32Array(0), came });
  throw failed.reason;
}

/** Undefined when one of them cannot be read. */
async function fetchRuns(source: SeededSource, runs: readonly Run[]): Promise<Came[] | undefined> {
  const ends = await Promise.allSettled(
    runs.map(async (run) => ({ run, bytes: await recordsOf(source, run) })),
  );
  const came: Came[] = [];
  for (const end of ends)
    if (end.status === "fulfilled" && end.value.bytes !== undefined)
      came.push({ run: end.value.run, bytes: end.value.bytes });
  if (came.length === runs.length) return came;
  for (const { bytes } of came) payloadPool.give(bytes);
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return undefined;
}

/** The wanted piece of the rows that are whole at all sources, at the end of the file. */
async function takeIn(
  making: Making,
  codec: Codec,
  columns: readonly Column[],
  rows: Uint32Array,
  came: readonly (readonly Came[])[],
): Promise<void> {
  const { plan, piece: target } = making;
  const roomBytes = rows.reduce((sum, row) => sum + recordBytes(plan.lengths[row] ?? 0), 0);
  const pieces = codec.pieces(roomBytes);
  let isHanded = false;
  try {
    const files = columns.map(
      ({ s, source }, c): File => ({
        places: plan.places[s] ?? rows,
        seed: { block: making.block, seed: source.seed },
        came: came[c] ?? [],
        into: pieces.at(source.piece),
      }),
    );
    const whole = rows.filter((row) => isWhole(making, files, row));
    const lengthBytes = setSideBySide(making, files, whole);
    const [first] = files;
    if (lengthBytes === 0 || first === undefined) return;
    const known = new Set(columns.map(({ source }) => source.piece));
    const { data, parity } = codec.scheme;
    const missing = Array.from({ length: data + parity }, (_, i) => i).filter((i) => !known.has(i));
    await codec.reconstruct(pieces, missing, [target], lengthBytes);
    const made = pieces.at(target);
    sealAll(making, made, whole, first);
    isHanded = true;
    await making.write([made.subarray(0, lengthBytes)], lengthBytes, () =>
      pieces[Symbol.dispose](),
    );
  } finally {
    if (!isHanded) pieces[Symbol.dispose]();
  }
}

/** What came of one source, and where its data goes. */
interface File {
  readonly places: Uint32Array;
  readonly seed: RecordSeed;
  readonly came: readonly Came[];
  readonly into: Buffer;
}

/** What has the record at `offset` of the file. */
function partWith(came: readonly Came[], offset: number): Came | undefined {
  for (const one of came) if (offset >= one.run.offset && offset < one.run.endOffset) return one;
  return undefined;
}

function isWhole(making: Making, files: readonly File[], row: number): boolean {
  const needle = making.needleOf(row);
  for (const { places, came, seed } of files) {
    const offset = (places[row] ?? 0) * 8;
    const part = partWith(came, offset);
    if (part === undefined) return false;
    if (!isNeedleAt(part.bytes, offset - part.run.offset, seed, offset, needle)) return false;
  }
  return true;
}

/** Puts the data of each source where it will stand in the new file. Returns where that ends. */
function setSideBySide(making: Making, files: readonly File[], rows: Uint32Array): number {
  let end = 0;
  for (const row of rows) {
    const { lengthBytes } = making.needleOf(row);
    for (const { places, came, into } of files) {
      const offset = (places[row] ?? 0) * 8;
      const part = partWith(came, offset);
      if (part === undefined) continue;
      const dataAt = offset - part.run.offset + HEADER_BYTES;
      part.bytes.copy(into, end + HEADER_BYTES, dataAt, dataAt + lengthBytes);
    }
    end += recordBytes(lengthBytes);
  }
  return end;
}

/** Makes records of what was computed; who owns them is said by those of one of the sources. */
function sealAll(making: Making, made: Buffer, rows: Uint32Array, { places, came }: File): void {
  const { block, writer } = making;
  const seed = { block, seed: writer.seed };
  let at = 0;
  for (const row of rows) {
    const needle = making.needleOf(row);
    const from = (places[row] ?? 0) * 8;
    const like = partWith(came, from);
    const offset = writer.endBytes + at;
    assert(like !== undefined, "what was computed came from somewhere");
    sealAround(made, at, seed, offset, needle, like.bytes, from - like.run.offset);
    making.made(row, offset);
    at += recordBytes(needle.lengthBytes);
  }
}
