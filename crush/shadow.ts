/**
 * Shadow trees: for each device class a copy of every tree with the devices of that class alone.
 * A rule that takes `root class ssd` takes the shadow. Its buckets are called `root~ssd` and have
 * ids of their own, which enter the hash, so who gets which id is part of the mapping: trees from
 * the lowest root id up, classes in the order in which they were met, children before parents.
 */
import { type Bucket, bucketWeight, type Item } from "./map.ts";

/** What shadow trees are made from, and added to. */
export interface Forest {
  readonly buckets: Map<number, Bucket>;
  readonly deviceClasses: ReadonlyMap<number, string>;
  /** In the order in which they were met. */
  readonly classes: Iterable<string>;
  /** Ids that shadows must get, by bucket id, then class. */
  readonly givenShadows: ReadonlyMap<number, ReadonlyMap<string, number>>;
}

type Shadows = Map<number, Map<string, number>>;

/** Adds the shadow buckets to the forest; returns their ids by bucket, then class. */
export function makeShadows(forest: Forest): Shadows {
  const shadows: Shadows = new Map();
  const given = new Set(
    [...forest.givenShadows.values()].flatMap((byClass) => [...byClass.values()]),
  );
  // What Ceph cannot copy ends the copying, not the compilation.
  for (const root of rootsOf(forest))
    for (const deviceClass of forest.classes)
      if (shadowOf(forest, shadows, given, root, deviceClass) === undefined) return shadows;
  return shadows;
}

/** Buckets that stand in no other, lowest id first. */
function rootsOf(forest: Forest): Bucket[] {
  const inner = new Set(
    [...forest.buckets.values()].flatMap((b) => b.items.map((item) => item.id)),
  );
  return [...forest.buckets.values()]
    .filter((bucket) => !inner.has(bucket.id))
    .sort((a, b) => a.id - b.id);
}

function shadowOf(
  forest: Forest,
  shadows: Shadows,
  given: ReadonlySet<number>,
  original: Bucket,
  deviceClass: string,
): Bucket | undefined {
  const made = shadows.get(original.id)?.get(deviceClass);
  if (made !== undefined) return forest.buckets.get(made);
  const items: Item[] = [];
  for (const item of original.items) {
    const child = forest.buckets.get(item.id);
    if (child === undefined) {
      if (forest.deviceClasses.get(item.id) === deviceClass) items.push(item);
      continue;
    }
    const copy = shadowOf(forest, shadows, given, child, deviceClass);
    if (copy === undefined) return undefined;
    items.push({ id: copy.id, weight: bucketWeight(copy) });
  }
  // Ceph starts a uniform copy with weight 0 and cannot add anything else to it.
  if (original.algorithm === "uniform" && items.some((item) => item.weight !== 0)) return undefined;
  const id = forest.givenShadows.get(original.id)?.get(deviceClass) || nextId(forest, given);
  if (forest.buckets.has(id)) return undefined;
  const shadow: Bucket = {
    ...original,
    id,
    name: `${original.name}~${deviceClass}`,
    items,
    shadow: { of: original.id, class: deviceClass },
  };
  forest.buckets.set(id, shadow);
  const byClass = shadows.get(original.id) ?? new Map<string, number>();
  shadows.set(original.id, byClass.set(deviceClass, id));
  return shadow;
}

/** The highest id that no bucket has and no text claims. */
function nextId(forest: Forest, given: ReadonlySet<number>): number {
  let id = -1;
  while (forest.buckets.has(id) || given.has(id)) id--;
  return id;
}
