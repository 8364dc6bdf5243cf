/** One bucket of a text map: resolves names, orders items by `pos`, checks weights. */
import { limits } from "../../base/limits.ts";
import { type Algorithm, type Item, slotOf, WEIGHT_ONE } from "../map.ts";
import { type Draft, refuse } from "./draft.ts";
import { parseWeight } from "./fixed-point.ts";
import type { BucketBlock, ItemLine } from "./syntax.ts";

const MAX_DEVICE_WEIGHT = 100 * WEIGHT_ONE;
const MAX_BUCKET_WEIGHT = 65535 * WEIGHT_ONE;
const MAX_SUM = 2 ** 32 - 1;
/** Ceph counts a tree's nodes in one byte: 256 nodes are none. */
const MAX_TREE_ITEMS = 64;

const algorithms: readonly Algorithm[] = ["uniform", "list", "tree", "straw", "straw2"];

export function compileBucket(draft: Draft, block: BucketBlock): void {
  const { name } = block;
  const type = draft.typeIds.get(block.type);
  if (type === undefined) refuse(`bucket ${name}: there is no type ${block.type}`);
  if (draft.itemIds.has(name)) refuse(`the name ${name} is used twice`);
  const algorithm = algorithms.find((each) => each === block.algorithm);
  if (algorithm === undefined)
    refuse(`bucket ${name}: alg ${block.algorithm} is none of ${algorithms.join(", ")}`);
  const given = givenIds(block);
  const items = orderedItems(draft, block);
  const weight = checkedWeight(name, algorithm, items);
  const id = given.own ?? freeId(draft);
  if (slotOf(id) >= limits.crushBuckets || slotOf(id) < 0)
    refuse(`bucket ${name}: ids go from -1 to -${limits.crushBuckets}, not ${id}`);
  if (draft.buckets.has(id)) refuse(`bucket ${name}: id ${id} is used twice`);
  draft.takenIds.add(id);
  draft.itemIds.set(name, id);
  draft.bucketWeights.set(id, weight);
  for (const deviceClass of given.shadows.keys()) draft.classes.add(deviceClass);
  if (given.shadows.size > 0) draft.givenShadows.set(id, given.shadows);
  draft.buckets.set(id, {
    id,
    name,
    // Ceph keeps types in two bytes and hashes in one.
    type: type & 0xffff,
    algorithm,
    hash: hashNumber(block) & 0xff,
    items,
  });
}

function givenIds(block: BucketBlock) {
  let own: number | undefined;
  const shadows = new Map<string, number>();
  for (const { id, class: deviceClass } of block.ids) {
    // Id 0 is a device's; Ceph takes it for "no id".
    if (deviceClass === undefined) own = id === 0 ? undefined : id;
    else if (shadows.has(deviceClass))
      refuse(`bucket ${block.name} has two ids for class ${deviceClass}`);
    else shadows.set(deviceClass, id);
  }
  return { own, shadows };
}

function hashNumber(block: BucketBlock): number {
  const last = block.hashes.at(-1);
  return last === undefined || last === "rjenkins1" ? 0 : last;
}

/** Items in their final order: given positions first, the others fill the gaps. */
function orderedItems(draft: Draft, block: BucketBlock): Item[] {
  const used = new Set<number>();
  for (const { name, position } of block.items) {
    if (position === undefined) continue;
    if (used.has(position))
      refuse(`bucket ${block.name}: item ${name} wants pos ${position}, which is taken`);
    used.add(position);
  }
  const items: (Item | undefined)[] = block.items.map(() => undefined);
  let free = 0;
  for (const line of block.items) {
    const id = draft.itemIds.get(line.name);
    if (id === undefined)
      refuse(`bucket ${block.name}: there is no device or bucket ${line.name} above it`);
    let position = line.position ?? -1;
    if (position >= items.length)
      refuse(`bucket ${block.name}: item ${line.name} wants pos ${position} of ${items.length}`);
    if (position < 0) {
      while (used.has(free)) free++;
      position = free++;
    }
    items[position] = { id, weight: itemWeight(draft, block.name, line, id) };
  }
  return items.map((item) => item ?? { id: 0, weight: 0 });
}

function itemWeight(draft: Draft, bucket: string, line: ItemLine, id: number): number {
  if (line.weight === undefined) return draft.bucketWeights.get(id) ?? WEIGHT_ONE;
  const weight = parseWeight(line.weight);
  const most = id >= 0 ? MAX_DEVICE_WEIGHT : MAX_BUCKET_WEIGHT;
  if (weight > most)
    refuse(
      `bucket ${bucket}: weight ${line.weight} of ${line.name} is not in 0 … ${most / WEIGHT_ONE}`,
    );
  return weight;
}

function checkedWeight(name: string, algorithm: Algorithm, items: readonly Item[]): number {
  let sum = 0;
  for (const { weight } of items) sum += weight;
  if (sum > MAX_SUM)
    refuse(`bucket ${name}: the weights add up to more than 65535; scale them down`);
  if (algorithm === "tree" && items.length > MAX_TREE_ITEMS)
    refuse(`bucket ${name}: Ceph's tree buckets hold at most ${MAX_TREE_ITEMS} items`);
  if (algorithm !== "uniform") return sum;
  const first = items[0]?.weight;
  if (first === 0) refuse(`bucket ${name}: items of a uniform bucket need a weight above 0`);
  if (items.some((item) => item.weight !== first))
    refuse(`bucket ${name}: items of a uniform bucket must all have the same weight`);
  return sum;
}

function freeId(draft: Draft): number {
  let id = -1;
  while (draft.takenIds.has(id)) id--;
  return id;
}
