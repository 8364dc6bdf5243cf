/**
 * Choosing the first n: for replicas, where order is preference and a shorter list is better than
 * a hole. Replica by replica, descend from a bucket to an item of the wanted type; when that
 * collides with an earlier one or is out, try again with a higher r.
 */
import { drawItem } from "./draw.ts";
import type { LaidBucket, Layout } from "./layout.ts";
import { NONE, slotOf } from "./map.ts";
import { permuted } from "./permutation.ts";
import { isOut } from "./reweight.ts";
import type { Scratch, Target } from "./scratch.ts";

/**
 * Fills `target` from place `filled` until replica number `want` was tried or `room` more items
 * are found; returns how many places are filled then.
 */
export function chooseFirstn(
  layout: Layout,
  scratch: Scratch,
  top: LaidBucket,
  target: Target,
  filled: number,
  want: number,
  room: number,
): number {
  const end = filled + room;
  let at = filled;
  for (let replica = scratch.stable ? 0 : filled; replica < want && at < end; replica++) {
    const item = pick(layout, scratch, top, target, at, end, replica + target.parentR);
    if (item === NONE) continue;
    target.out[target.start + at] = item;
    at++;
  }
  return at;
}

/** One replica: an item of the wanted type for place `at`, or NONE when all attempts failed. */
function pick(
  layout: Layout,
  scratch: Scratch,
  top: LaidBucket,
  target: Target,
  at: number,
  end: number,
  firstR: number,
): number {
  const { x, localRetries, fallbackRetries } = scratch;
  let failures = 0;
  let localFailures = 0;
  let bucket = top;
  for (;;) {
    const r = firstR + failures;
    let collided = false;
    let refused = true;
    if (bucket.size > 0) {
      const exhaustive =
        fallbackRetries > 0 && localFailures >= bucket.size >> 1 && localFailures > fallbackRetries;
      const item = exhaustive
        ? permuted(scratch, bucket, x, r)
        : drawItem(scratch, bucket, x, r, at);
      const below = item < 0 ? layout.buckets[slotOf(item)] : undefined;
      const type = below === undefined ? 0 : below.type;
      if (type !== target.type) {
        if (below === undefined) return NONE;
        bucket = below;
        continue;
      }
      collided = stands(target, at, item);
      refused = !collided && !accept(layout, scratch, target, at, end, item, below, r);
      if (!collided && !refused) return item;
    }
    failures++;
    localFailures++;
    if (collided && localFailures <= localRetries) continue;
    if (fallbackRetries > 0 && localFailures <= bucket.size + fallbackRetries) continue;
    if (failures >= target.tries) return NONE;
    bucket = top;
    localFailures = 0;
  }
}

function stands(target: Target, at: number, item: number): boolean {
  for (let i = 0; i < at; i++) if (target.out[target.start + i] === item) return true;
  return false;
}

/** Whether an item that does not collide will do: it must be in, or have a leaf that is. */
function accept(
  layout: Layout,
  scratch: Scratch,
  target: Target,
  at: number,
  end: number,
  item: number,
  below: LaidBucket | undefined,
  r: number,
): boolean {
  if (target.leaves !== undefined) {
    if (below === undefined) target.leaves[target.start + at] = item;
    else if (!findLeaf(layout, scratch, target, at, end, below, r)) return false;
  }
  return target.type !== 0 || !isOut(scratch.reweights, item, scratch.x);
}

/** Looks for a device below a chosen bucket that no earlier replica has. */
function findLeaf(
  layout: Layout,
  scratch: Scratch,
  target: Target,
  at: number,
  end: number,
  below: LaidBucket,
  r: number,
): boolean {
  const { leafTarget, varyR, stable } = scratch;
  leafTarget.out = target.leaves as Int32Array;
  leafTarget.start = target.start;
  leafTarget.tries = scratch.leafTries;
  leafTarget.parentR = varyR === 0 ? 0 : r >> (varyR - 1);
  const want = stable ? 1 : at + 1;
  return chooseFirstn(layout, scratch, below, leafTarget, at, want, end - at) > at;
}
