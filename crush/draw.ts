/**
 * One draw: which item of a bucket gets replica number `r` of input `x`. Five algorithms with the
 * same promise, that an item is drawn in proportion to its weight, and different costs:
 *
 *   straw2   every item draws ln(hash)/weight, the highest wins; a change of one weight moves data
 *            only to or from that item. What every new map uses.
 *   straw    its ancestor: hash times a precomputed length; changes move a little too much
 *   list     newest item first, each takes its share of what is left; cheap to grow
 *   tree     a binary descent, for large buckets
 *   uniform  a permutation, for items that are all alike
 */
import { hash3, hash4 } from "./hash.ts";
import type { LaidBucket } from "./layout.ts";
import { drawNumerators } from "./logarithm.ts";
import { permuted } from "./permutation.ts";
import type { Scratch } from "./scratch.ts";
import { leftOf, rightOf } from "./tree.ts";

/** The item drawn; the bucket must not be empty. `position` selects the weights of choose_args. */
export function drawItem(
  scratch: Scratch,
  bucket: LaidBucket,
  x: number,
  r: number,
  position: number,
): number {
  switch (bucket.algorithm) {
    case "straw2":
      return drawStraw2(bucket, x, r, position);
    case "uniform":
      return permuted(scratch, bucket, x, r);
    case "list":
      return drawList(bucket, x, r);
    case "tree":
      return drawTree(bucket, x, r);
    case "straw":
      return drawStraw(bucket, x, r);
  }
}

/**
 * Ceph divides the numerator by the weight in 64-bit integers and drops the fraction. The quotient
 * of two numbers is the same here: it is below 2^48, so a rounded one never reaches the next whole
 * number. Numerators are negative, so with positive weights an item wins when its numerator is
 * above the highest draw so far times its weight: one product, and a division only for winners.
 */
function drawStraw2(bucket: LaidBucket, x: number, r: number, position: number): number {
  const { ids, size, weightSets, fast } = bucket;
  const set = Math.min(position, weightSets.length - 1);
  if (fast !== undefined) {
    const drawn = fast.draw(fast.ids, fast.weightSets[set] as number, size, x, r);
    return bucket.items[drawn] as number;
  }
  const mask = bucket.hashMask & 0xffff;
  const weights = weightSets[set] as Float64Array;
  if (bucket.overflows) return drawOverflowing(bucket, weights, x, r);
  let winner = 0;
  let highest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < size; i++) {
    const weight = weights[i] as number;
    const numerator = drawNumerators[hash3(x, ids[i] as number, r) & mask] as number;
    if (numerator > highest * weight) {
      winner = i;
      highest = Math.ceil(numerator / weight);
    }
  }
  return bucket.items[winner] as number;
}

/** The same where Ceph reads some weight as negative. */
function drawOverflowing(bucket: LaidBucket, weights: Float64Array, x: number, r: number): number {
  const mask = bucket.hashMask & 0xffff;
  let winner = 0;
  let highest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < bucket.size; i++) {
    const weight = weights[i] as number;
    if (weight === 0) continue;
    const hash = hash3(x, bucket.ids[i] as number, r) & mask;
    const draw = Math.trunc((drawNumerators[hash] as number) / weight);
    if (draw > highest) {
      winner = i;
      highest = draw;
    }
  }
  return bucket.items[winner] as number;
}

function drawStraw(bucket: LaidBucket, x: number, r: number): number {
  let winner = 0;
  let highest = -1;
  for (let i = 0; i < bucket.size; i++) {
    const hash = hash3(x, bucket.items[i] as number, r) & bucket.hashMask & 0xffff;
    const draw = hash * (bucket.figures[i] as number);
    if (draw > highest) {
      winner = i;
      highest = draw;
    }
  }
  return bucket.items[winner] as number;
}

function drawList(bucket: LaidBucket, x: number, r: number): number {
  const weights = bucket.weightSets[0];
  for (let i = bucket.size - 1; i >= 0; i--) {
    const item = bucket.items[i] as number;
    const hash = hash4(x, item, r, bucket.id) & bucket.hashMask & 0xffff;
    const point = Math.floor((hash * (bucket.figures[i] as number)) / 65536);
    if (point < (weights?.[i] ?? 0)) return item;
  }
  return bucket.items[0] as number;
}

function drawTree(bucket: LaidBucket, x: number, r: number): number {
  const nodes = bucket.figures;
  let node = nodes.length >> 1;
  while ((node & 1) === 0) {
    const hash = (hash4(x, node, r, bucket.id) & bucket.hashMask) >>> 0;
    const left = leftOf(node);
    node = share(hash, nodes[node] as number) < (nodes[left] as number) ? left : rightOf(node);
  }
  return bucket.items[node >> 1] as number;
}

/** The whole part of hash · weight / 2^32, both unsigned 32-bit, without leaving 2^53. */
function share(hash: number, weight: number): number {
  const high = hash >>> 16;
  const low = hash & 0xffff;
  return Math.floor((high * weight + Math.floor((low * weight) / 65536)) / 65536);
}
