/**
 * The needles of one source that has the wanted piece itself: its records as they stand in its file, a
 * run at a time, checked, sealed for their new place and written. What is not whole there is left for
 * whoever goes needle by needle.
 */
import { payloadPool } from "../../base/buffer-pool.ts";
import { limits } from "../../base/limits.ts";
import { recordBytes } from "../record.ts";
import { isNeedleAt, sealAnew } from "../records-in-place.ts";
import { ahead, type Begun } from "./ahead.ts";
import type { Making } from "./making.ts";
import { type Run, rowsInOrder, runsOf, windows } from "./runs.ts";
import { recordsOf, type SeededSource } from "./sources.ts";
import type { Column } from "./way.ts";

/** A run and the rows that are wanted of it. */
interface Window {
  readonly rows: Uint32Array;
  readonly run: Run;
}

interface Came extends Window {
  /** Undefined: the disk cannot read them. */
  readonly bytes: Buffer | undefined;
}

export async function copyFrom(making: Making, { s, source }: Column): Promise<void> {
  const rows = rowsInOrder(making.plan, s, 1 << s);
  const begun = begin(making, s, source, rows);
  const came = ahead(
    begun,
    limits.rebuildAheadBytes,
    ({ bytes }) => bytes && payloadPool.give(bytes),
  );
  for await (const one of came) {
    const { bytes } = one;
    if (bytes === undefined) continue;
    const free = () => payloadPool.give(bytes);
    const isOver = await making.read(bytes.length).catch((error: unknown) => ({ error }));
    if (isOver !== undefined) {
      free();
      throw isOver.error;
    }
    const { parts, lengthBytes } = taken(making, s, source, { ...one, bytes });
    await making.write(parts, lengthBytes, free);
  }
}

function* begin(
  { plan }: Making,
  s: number,
  source: SeededSource,
  rows: Uint32Array,
): Generator<Begun<Came>> {
  for (const window of windows(plan, rows, limits.fetchBytes)) {
    // Where much lies between them a window falls apart.
    for (const run of runsOf(plan, s, window)) {
      const inside = window.filter((row) => isInside(run, (plan.places[s]?.[row] ?? 0) * 8));
      const coming = recordsOf(source, run).then((bytes) => ({ rows: inside, run, bytes }));
      yield { bytes: run.endOffset - run.offset, coming };
    }
  }
}

const isInside = ({ offset, endOffset }: Run, at: number) => at >= offset && at < endOffset;

/** The records of a run that are whole, sealed for the end of the new file; neighbours are one part. */
function taken(
  making: Making,
  s: number,
  { seed }: SeededSource,
  { rows, run, bytes }: Came & { readonly bytes: Buffer },
) {
  const { plan, writer, block } = making;
  const places = plan.places[s] ?? rows;
  const from = { block, seed };
  const parts: Buffer[] = [];
  let end = writer.endBytes;
  let partFrom = 0;
  let partEnd = 0;
  for (const row of rows) {
    const offset = (places[row] ?? 0) * 8;
    const at = offset - run.offset;
    const needle = making.needleOf(row);
    if (!isNeedleAt(bytes, at, from, offset, needle)) continue;
    sealAnew(bytes, at, writer.seed, end, needle.lengthBytes);
    making.made(row, end);
    if (at !== partEnd) {
      if (partEnd > partFrom) parts.push(bytes.subarray(partFrom, partEnd));
      partFrom = at;
    }
    partEnd = at + recordBytes(needle.lengthBytes);
    end += recordBytes(needle.lengthBytes);
  }
  if (partEnd > partFrom) parts.push(bytes.subarray(partFrom, partEnd));
  return { parts, lengthBytes: end - writer.endBytes };
}
