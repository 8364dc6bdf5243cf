/**
 * Shadow trees: for each device class a copy of every tree with the devices of that class alone.
 * A rule that takes `root class ssd` takes the shadow. Its buckets are called `root~ssd` and have
 * ids of their own, which enter the hash, so who gets which id is part of the mapping: trees from
 * the lowest root id up, classes in the order in which they were met, children before parents.
 */
import { type Bucket, bucketWeight, type Item } from "../map.ts";
import type { Draft } from "./draft.ts";

type Shadows = Map<number, Map<string, number>>;

/** Adds the shadow buckets to the draft; returns their ids by bucket, then class. */
export function makeShadows(draft: Draft): Shadows {
  const shadows: Shadows = new Map();
  const given = new Set(
    [...draft.givenShadows.values()].flatMap((byClass) => [...byClass.values()]),
  );
  // What Ceph cannot copy ends the copying, not the compilation.
  for (const root of rootsOf(draft))
    for (const deviceClass of draft.classes)
      if (shadowOf(draft, shadows, given, root, deviceClass) === undefined) return shadows;
  return shadows;
}

/** Buckets that stand in no other, lowest id first. */
function rootsOf(draft: Draft): Bucket[] {
  const inner = new Set([...draft.buckets.values()].flatMap((b) => b.items.map((item) => item.id)));
  return [...draft.buckets.values()]
    .filter((bucket) => !inner.has(bucket.id))
    .sort((a, b) => a.id - b.id);
}

function shadowOf(
  draft: Draft,
  shadows: Shadows,
  given: ReadonlySet<number>,
  original: Bucket,
  deviceClass: string,
): Bucket | undefined {
  const made = shadows.get(original.id)?.get(deviceClass);
  if (made !== undefined) return draft.buckets.get(made);
  const items: Item[] = [];
  for (const item of original.items) {
    const child = draft.buckets.get(item.id);
    if (child === undefined) {
      if (draft.deviceClasses.get(item.id) === deviceClass) items.push(item);
      continue;
    }
    const copy = shadowOf(draft, shadows, given, child, deviceClass);
    if (copy === undefined) return undefined;
    items.push({ id: copy.id, weight: bucketWeight(copy) });
  }
  const id = draft.givenShadows.get(original.id)?.get(deviceClass) || nextId(draft, given);
  if (draft.buckets.has(id)) return undefined;
  const shadow: Bucket = {
    ...original,
    id,
    name: `${original.name}~${deviceClass}`,
    items,
    shadow: { of: original.id, class: deviceClass },
  };
  draft.buckets.set(id, shadow);
  const byClass = shadows.get(original.id) ?? new Map<string, number>();
  shadows.set(original.id, byClass.set(deviceClass, id));
  return shadow;
}

/** The highest id that no bucket has and no text claims. */
function nextId(draft: Draft, given: ReadonlySet<number>): number {
  let id = -1;
  while (draft.buckets.has(id) || given.has(id)) id--;
  return id;
}
