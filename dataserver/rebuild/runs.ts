/** Rows of a plan in the order of a source's file, in windows that are fetched at once, and their runs. */
import { recordBytes } from "../record.ts";
import type { Plan } from "./plan.ts";

/** A gap of at most this is read along: removed needles, tombstones, needles of the next window. */
const GAP_BYTES = 32 * 1024;

/** Bytes of a source's file, read at once. */
export interface Run {
  readonly offset: number;
  endOffset: number;
}

/** Rows that all of these sources have (bits), in the order of the file of one of them. */
export function rowsInOrder(plan: Plan, source: number, having: number): Uint32Array {
  const places = plan.places[source];
  return sortedRows(plan, (row) =>
    ((plan.holders[row] ?? 0) & having) === having ? (places?.[row] ?? 0) : 0,
  );
}

/** All rows in the order in which they stand in the files, as far as sources agree. */
export function inFileOrder(plan: Plan): Uint32Array {
  return sortedRows(plan, (row) => {
    const first = 31 - Math.clz32((plan.holders[row] ?? 0) & -(plan.holders[row] ?? 0));
    return plan.places[first]?.[row] ?? 0;
  });
}

/** Rows by their place, without those that have none (0). */
function sortedRows({ count }: Plan, placeOf: (row: number) => number): Uint32Array {
  const keys = new BigUint64Array(count);
  const halves = new Uint32Array(keys.buffer);
  let found = 0;
  for (let row = 0; row < count; row++) {
    const place = placeOf(row);
    if (place === 0) continue;
    halves[2 * found] = row;
    halves[2 * found++ + 1] = place;
  }
  keys.subarray(0, found).sort();
  const rows = new Uint32Array(found);
  for (let i = 0; i < found; i++) rows[i] = halves[2 * i] ?? 0;
  return rows;
}

/** Rows in the same order, in parts of at most so many bytes and rows, or of a single row. */
export function* windows(
  { lengths }: Plan,
  rows: Uint32Array,
  mostBytes: number,
  mostRows: number = Number.POSITIVE_INFINITY,
): Generator<Uint32Array> {
  let from = 0;
  let bytes = 0;
  for (let i = 0; i < rows.length; i++) {
    const next = recordBytes(lengths[rows[i] ?? 0] ?? 0);
    if (i > from && (bytes + next > mostBytes || i - from >= mostRows)) {
      yield rows.subarray(from, i);
      from = i;
      bytes = 0;
    }
    bytes += next;
  }
  if (rows.length > from) yield rows.subarray(from);
}

/** What is to be read of a source's file for these rows, in order. */
export function runsOf({ places, lengths }: Plan, source: number, rows: Uint32Array): Run[] {
  const column = places[source] ?? new Uint32Array(0);
  // Offset and row in one number, which is sorted without a function.
  const keys = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) keys[i] = (column[rows[i] ?? 0] ?? 0) * 2 ** 20 + i;
  const runs: Run[] = [];
  for (const key of keys.sort()) {
    const offset = Math.floor(key / 2 ** 20) * 8;
    const endOffset = offset + recordBytes(lengths[rows[key % 2 ** 20] ?? 0] ?? 0);
    const last = runs.at(-1);
    if (last !== undefined && offset - last.endOffset <= GAP_BYTES)
      last.endOffset = Math.max(last.endOffset, endOffset);
    else runs.push({ offset, endOffset });
  }
  return runs;
}
