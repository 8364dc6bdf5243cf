/**
 * Choosing independently: for erasure coding, where place i holds piece i. A place that cannot be
 * filled stays a hole (NONE), and the failure of one place does not move the others. All places
 * are tried in rounds, each round with an r further on by the number of places.
 */
import { drawItem } from "./draw.ts";
import type { LaidBucket, Layout } from "./layout.ts";
import { NONE, slotOf } from "./map.ts";
import { isOut } from "./reweight.ts";
import type { Scratch, Target } from "./scratch.ts";

/** Not decided yet. */
const OPEN = 0x7ffffffe;

/**
 * Fills places `first` … `first + count - 1` of `target`. `stride` is the number of places that the
 * rule asked for, of which `count` fit.
 */
export function chooseIndep(
  layout: Layout,
  scratch: Scratch,
  top: LaidBucket,
  target: Target,
  first: number,
  count: number,
  stride: number,
): void {
  const end = first + count;
  fill(target, first, end, OPEN, undefined);
  let open = count;
  for (let round = 0; open > 0 && round < target.tries; round++) {
    for (let place = first; place < end; place++) {
      if (target.out[target.start + place] !== OPEN) continue;
      const item = pick(layout, scratch, top, target, place, first, end, stride, round);
      if (item === OPEN) continue;
      target.out[target.start + place] = item;
      if (item === NONE && target.leaves !== undefined) target.leaves[target.start + place] = NONE;
      open--;
    }
  }
  fill(target, first, end, NONE, OPEN);
}

/** Sets all places, or those that hold `only`, in both lists. */
function fill(target: Target, first: number, end: number, value: number, only?: number): void {
  const { out, leaves, start } = target;
  for (let i = start + first; i < start + end; i++) {
    if (only === undefined || out[i] === only) out[i] = value;
    if (leaves !== undefined && (only === undefined || leaves[i] === only)) leaves[i] = value;
  }
}

/** One attempt at one place: an item, NONE when the map can never fill it, OPEN to try again. */
function pick(
  layout: Layout,
  scratch: Scratch,
  top: LaidBucket,
  target: Target,
  place: number,
  first: number,
  end: number,
  stride: number,
  round: number,
): number {
  const { x } = scratch;
  let bucket = top;
  for (;;) {
    if (bucket.size === 0) return OPEN;
    // A uniform bucket permutes its items: a stride that divides its size would come back to the
    // same ones, so it goes one further.
    const aligned = bucket.algorithm === "uniform" && bucket.size % stride === 0;
    const r = place + target.parentR + (aligned ? stride + 1 : stride) * round;
    const item = drawItem(scratch, bucket, x, r, first);
    const below = item < 0 ? layout.buckets[slotOf(item)] : undefined;
    const type = below === undefined ? 0 : below.type;
    if (type !== target.type) {
      if (below === undefined) return NONE;
      bucket = below;
      continue;
    }
    for (let i = first; i < end; i++) if (target.out[target.start + i] === item) return OPEN;
    if (target.leaves !== undefined) {
      if (below === undefined) target.leaves[target.start + place] = item;
      else if (!findLeaf(layout, scratch, target, place, stride, below, r)) return OPEN;
    }
    return type === 0 && isOut(scratch.reweights, item, x) ? OPEN : item;
  }
}

/** Looks for a device below a chosen bucket; leaves of other places are not compared. */
function findLeaf(
  layout: Layout,
  scratch: Scratch,
  target: Target,
  place: number,
  stride: number,
  below: LaidBucket,
  r: number,
): boolean {
  const { leafTarget } = scratch;
  const leaves = target.leaves as Int32Array;
  leafTarget.out = leaves;
  leafTarget.start = target.start;
  leafTarget.tries = scratch.leafTries;
  leafTarget.parentR = r;
  chooseIndep(layout, scratch, below, leafTarget, place, 1, stride);
  return leaves[target.start + place] !== NONE;
}
