/**
 * Which needle goes into which range, and where. A reader looks for a needle first in range (id mod k):
 * one of at most 64 KiB goes there while there is room, else where most room is. No needle crosses a
 * range; longer ones are put first, the longest where the least is, so that ranges become equally long.
 */
import type { NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { recordBytes } from "../record.ts";

export interface StripeLayout {
  /** By row. */
  readonly ranges: Uint8Array;
  readonly offsets: Uint32Array;
  /** Rows of each range, in the order in which they stand there. */
  readonly order: readonly (readonly number[])[];
  readonly rangeBytes: number;
}

export interface LaidOut {
  readonly count: number;
  readonly ids: BigUint64Array;
  readonly lengths: Uint32Array;
  /** Rows in the order in which they stood before. */
  readonly order: Uint32Array;
}

export const preferredRange = (needle: NeedleId | bigint, k: number): number =>
  Number(needle % BigInt(k));

export function layOut({ count, ids, lengths, order }: LaidOut, k: number): StripeLayout {
  const ranges = new Uint8Array(count);
  const offsets = new Uint32Array(count);
  const bytesOf = (row: number) => recordBytes(lengths[row] ?? 0);
  const isLong = (row: number) => (lengths[row] ?? 0) > limits.checksumSpanBytes;
  const filled = new Array<number>(k).fill(0);
  const leastFilled = () => filled.indexOf(Math.min(...filled));
  const put = (row: number, range: number) => {
    ranges[row] = range;
    filled[range] = (filled[range] ?? 0) + bytesOf(row);
  };
  const long = [...order.filter(isLong)].sort((a, b) => bytesOf(b) - bytesOf(a) || a - b);
  for (const row of long) put(row, leastFilled());
  const total = order.reduce((sum, row) => sum + bytesOf(row), 0);
  const fair = Math.max(Math.ceil(total / k), ...filled);
  for (const row of order) {
    if (isLong(row)) continue;
    const preferred = preferredRange(ids[row] ?? 0n, k);
    const fits = (filled[preferred] ?? 0) + bytesOf(row) <= fair;
    put(row, fits ? preferred : leastFilled());
  }
  const byRange = Array.from({ length: k }, (): number[] => []);
  const ends = new Array<number>(k).fill(0);
  for (const row of order) {
    const range = ranges[row] ?? 0;
    offsets[row] = ends[range] ?? 0;
    ends[range] = (ends[range] ?? 0) + bytesOf(row);
    byRange[range]?.push(row);
  }
  return { ranges, offsets, order: byRange, rangeBytes: Math.max(...filled) };
}
