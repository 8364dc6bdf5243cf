/**
 * Straw lengths: the figures that make the straw algorithm approximate the weights. Two versions;
 * the first miscounts items of equal weight and is kept because changing it moves data.
 *
 * The idea, as far as there is one: sort the weights; the lightest item gets straw 1.0, and each
 * step up in weight lengthens the straw by a root that depends on how much weight lies below.
 */
import { nthRoot } from "./root.ts";

/** 16.16 straw lengths for the items' weights (unsigned 32-bit). Weight 0 gets straw 0. */
export function strawLengths(weights: readonly number[], version: number): number[] {
  const lengths = weights.map(() => 0);
  // Stable: equal weights keep the items' order.
  const order = weights.map((_, i) => i).sort((i, j) => (weights[i] ?? 0) - (weights[j] ?? 0));
  const sorted = order.map((i) => weights[i] ?? 0);
  let straw = 1;
  let below = 0;
  let previous = 0;
  let left = weights.length;
  for (const [rank, item] of order.entries()) {
    const weight = sorted[rank] ?? 0;
    if (weight === 0) {
      if (version >= 1) left--;
      continue;
    }
    lengths[item] = toUnsigned32(straw * 65536);
    const next = sorted[rank + 1];
    if (next === undefined) break;
    if (version === 0 && next === weight) continue;
    below += (weight - previous) * left;
    left -= version === 0 ? sorted.filter((other) => other === next).length : 1;
    // Ceph multiplies these in 32 bits.
    const above = Math.imul(left, next - weight) >>> 0;
    straw *= nthRoot(1 / (below / (below + above)), left);
    previous = weight;
  }
  return lengths;
}

/** What C makes of a number that does not fit 32 bits: the low ones, none beyond 2^63. */
export function toUnsigned32(value: number): number {
  return Math.abs(value) < 2 ** 63 ? value >>> 0 : 0;
}
