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

/** Shadows under construction. */
interface Making extends Forest {
  readonly shadows: Shadows;
  /** Ids that the text claims for shadows. */
  readonly claimed: ReadonlySet<number>;
  /** All ids above this one are taken. */
  nextId: number;
}

/** Adds the shadow buckets to the forest; returns their ids by bucket, then class. */
export function makeShadows(forest: Forest): Shadows {
  const making: Making = {
    ...forest,
    shadows: new Map(),
    claimed: new Set([...forest.givenShadows.values()].flatMap((byClass) => [...byClass.values()])),
    nextId: -1,
  };
  // What Ceph cannot copy ends the copying, not the compilation.
  for (const root of rootsOf(forest))
    for (const deviceClass of forest.classes)
      if (shadowOf(making, root, deviceClass) === undefined) return making.shadows;
  return making.shadows;
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

function shadowOf(making: Making, original: Bucket, deviceClass: string): Bucket | undefined {
  const { shadows } = making;
  const made = shadows.get(original.id)?.get(deviceClass);
  if (made !== undefined) return making.buckets.get(made);
  const items: Item[] = [];
  for (const item of original.items) {
    const child = making.buckets.get(item.id);
    if (child === undefined) {
      if (making.deviceClasses.get(item.id) === deviceClass) items.push(item);
      continue;
    }
    const copy = shadowOf(making, child, deviceClass);
    if (copy === undefined) return undefined;
    items.push({ id: copy.id, weight: bucketWeight(copy) });
  }
  // Ceph starts a uniform copy with weight 0 and cannot add anything else to it.
  if (original.algorithm === "uniform" && items.some((item) => item.weight !== 0)) return undefined;
  const id = making.givenShadows.get(original.id)?.get(deviceClass) || nextId(making);
  if (making.buckets.has(id)) return undefined;
  const shadow: Bucket = {
    ...original,
    id,
    name: `${original.name}~${deviceClass}`,
    items,
    shadow: { of: original.id, class: deviceClass },
  };
  making.buckets.set(id, shadow);
  const byClass = shadows.get(original.id) ?? new Map<string, number>();
  shadows.set(original.id, byClass.set(deviceClass, id));
  return shadow;
}

/** The highest id that no bucket has and no text claims. */
function nextId(making: Making): number {
  while (making.buckets.has(making.nextId) || making.claimed.has(making.nextId)) making.nextId--;
  return making.nextId;
}
