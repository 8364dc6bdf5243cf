/**
 * The items of a bucket in an order shuffled by the input: how uniform buckets draw, and how a
 * crowded bucket is searched to its end. The shuffle is done only as far as it is asked for, and
 * kept in the scratch for the rest of the mapping.
 */
import { hash3 } from "./hash.ts";
import type { LaidBucket } from "./layout.ts";
import type { Scratch } from "./scratch.ts";

/** Item number `r` (modulo the size) of the bucket's permutation under `x`. */
export function permuted(scratch: Scratch, bucket: LaidBucket, x: number, r: number): number {
  const { size, slot } = bucket;
  const wanted = (r >>> 0) % size;
  let order = scratch.orders[slot];
  if (order === undefined) {
    order = new Int32Array(size);
    scratch.orders[slot] = order;
  }
  if (scratch.orderOwners[slot] !== scratch.mapping) {
    for (let i = 0; i < size; i++) order[i] = i;
    scratch.orderOwners[slot] = scratch.mapping;
    scratch.orderLengths[slot] = 0;
  }
  for (let i = scratch.orderLengths[slot] as number; i <= wanted; i++) {
    const rest = size - i;
    if (rest > 1) {
      const other = i + (((hash3(x, bucket.id, i) & bucket.hashMask) >>> 0) % rest);
      const moved = order[other] as number;
      order[other] = order[i] as number;
      order[i] = moved;
    }
    scratch.orderLengths[slot] = i + 1;
  }
  return bucket.items[order[wanted] as number] as number;
}
