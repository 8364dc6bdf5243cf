/**
 * Changing a map without changing more of the placement than the change asks for: every other
 * bucket keeps its id and order, shadow trees keep their ids, weights are passed up the tree.
 * Maps are immutable; each function returns a new one.
 */
import { QuarryError } from "../base/errors.ts";
import {
  type Bucket,
  bucketWeight,
  type CrushMap,
  type Device,
  type Item,
  optimalTunables,
  type Rule,
} from "./map.ts";
import { makeShadows } from "./shadow.ts";

const refuse = (message: string): never => {
  throw new QuarryError("InvalidArgument", message);
};

export interface NewDevice {
  readonly name: string;
  /** 16.16. */
  readonly weight: number;
  readonly class?: string;
  /** Where it stands, from the nearest bucket to the root; missing buckets are made. */
  readonly location: readonly { readonly type: string; readonly name: string }[];
}

/** A map without devices. `types` are the levels from the device upwards, as in osd, host, root. */
export function emptyMap(types: readonly string[]): CrushMap {
  return {
    tunables: optimalTunables,
    devices: [],
    types: new Map(types.map((name, id) => [id, name])),
    buckets: new Map(),
    rules: new Map(),
    classes: [],
    chooseArgs: new Map(),
  };
}

/** Adds devices, each with the lowest free id. */
export function addDevices(map: CrushMap, added: readonly NewDevice[]): CrushMap {
  const work = begin(map);
  const devices = new Map(map.devices.map((device) => [device.id, device]));
  let id = 0;
  for (const { name, weight, class: deviceClass, location } of added) {
    if (work.names.has(name)) refuse(`there is a ${name} already`);
    while (devices.has(id)) id++;
    const device: Device =
      deviceClass === undefined ? { id, name } : { id, name, class: deviceClass };
    devices.set(id, device);
    work.names.set(name, id);
    insert(work, { id, weight }, location);
  }
  return finish({ ...map, devices: [...devices.values()].sort((a, b) => a.id - b.id) }, work);
}

/** Takes a device or a bucket with everything below it out of the map. */
export function removeItem(map: CrushMap, name: string): CrushMap {
  const work = begin(map);
  const gone = new Set<number>();
  const collect = (id: number) => {
    gone.add(id);
    for (const item of work.buckets.get(id)?.items ?? []) collect(item.id);
  };
  collect(work.names.get(name) ?? refuse(`there is no ${name} in the map`));
  for (const id of gone) work.buckets.delete(id);
  for (const bucket of [...work.buckets.values()])
    if (bucket.items.some((item) => gone.has(item.id)))
      setItems(
        work,
        bucket,
        bucket.items.filter((item) => !gone.has(item.id)),
      );
  return finish({ ...map, devices: map.devices.filter((device) => !gone.has(device.id)) }, work);
}

/** Gives a device another weight (16.16) wherever it stands. */
export function reweightItem(map: CrushMap, name: string, weight: number): CrushMap {
  const work = begin(map);
  const id = work.names.get(name) ?? refuse(`there is no ${name} in the map`);
  if (id < 0) refuse(`${name} is a bucket: its weight is that of its devices`);
  for (const bucket of [...work.buckets.values()])
    if (bucket.items.some((item) => item.id === id))
      setItems(
        work,
        bucket,
        bucket.items.map((item) => (item.id === id ? { id, weight } : item)),
      );
  return finish(map, work);
}

/** Adds a rule, or replaces the one with its id. */
export function setRule(map: CrushMap, rule: Rule): CrushMap {
  const rules = new Map(map.rules).set(rule.id, rule);
  return { ...map, rules: new Map([...rules].sort(([a], [b]) => a - b)) };
}

/** The rule with its last choose step spread over buckets of another type. */
export function withFailureDomain(map: CrushMap, rule: Rule, typeName: string): Rule {
  const type = [...map.types].find(([, name]) => name === typeName)?.[0];
  if (type === undefined) return refuse(`there is no type ${typeName} in the map`);
  const last = rule.steps.findLastIndex((step) => step.op === "choose" || step.op === "chooseleaf");
  const op = type === 0 ? "choose" : "chooseleaf";
  return {
    ...rule,
    steps: rule.steps.map((step, i) =>
      i === last && (step.op === "choose" || step.op === "chooseleaf")
        ? { ...step, op, type }
        : step,
    ),
  };
}

/** A map on the workbench: shadows taken off, buckets replaceable. */
interface Work {
  readonly buckets: Map<number, Bucket>;
  readonly parents: Map<number, Set<number>>;
  readonly names: Map<string, number>;
  readonly types: ReadonlyMap<string, number>;
  readonly shadows: Map<number, Map<string, number>>;
  readonly takenIds: Set<number>;
  readonly changed: Set<number>;
}

function begin(map: CrushMap): Work {
  const originals = [...map.buckets.values()].filter((bucket) => bucket.shadow === undefined);
  const shadows = new Map<number, Map<string, number>>();
  for (const { id, shadow } of map.buckets.values())
    if (shadow !== undefined)
      shadows.set(shadow.of, (shadows.get(shadow.of) ?? new Map()).set(shadow.class, id));
  const work: Work = {
    buckets: new Map(originals.map((bucket) => [bucket.id, bucket])),
    parents: new Map(),
    names: new Map([...map.devices, ...originals].map(({ name, id }) => [name, id])),
    types: new Map([...map.types].map(([id, name]) => [name, id])),
    shadows,
    takenIds: new Set(map.buckets.keys()),
    changed: new Set(),
  };
  for (const bucket of originals) for (const item of bucket.items) adopt(work, bucket.id, item.id);
  return work;
}

function adopt(work: Work, parent: number, child: number): void {
  work.parents.set(child, (work.parents.get(child) ?? new Set()).add(parent));
}

function insert(work: Work, item: Item, location: NewDevice["location"]): void {
  const bucket = bucketAt(work, location);
  if (bucket === undefined) return;
  if (bucket.algorithm === "uniform" && bucket.items.some((other) => other.weight !== item.weight))
    refuse(`${bucket.name} is uniform: its items must all have the same weight`);
  adopt(work, bucket.id, item.id);
  setItems(work, bucket, [...bucket.items, item]);
}

/** The nearest bucket of a location; what is missing is made, from the root downwards. */
function bucketAt(work: Work, location: NewDevice["location"]): Bucket | undefined {
  const [nearest, ...above] = location;
  if (nearest === undefined) return undefined;
  const known = work.names.get(nearest.name);
  if (known !== undefined) return work.buckets.get(known) ?? refuse(`${nearest.name} is no bucket`);
  bucketAt(work, above);
  const id = newBucket(work, nearest.type, nearest.name);
  insert(work, { id, weight: 0 }, above);
  return work.buckets.get(id);
}

function newBucket(work: Work, typeName: string, name: string): number {
  const type = work.types.get(typeName) ?? refuse(`there is no type ${typeName} in the map`);
  let id = -1;
  while (work.takenIds.has(id)) id--;
  work.takenIds.add(id);
  work.names.set(name, id);
  work.buckets.set(id, { id, name, type, algorithm: "straw2", hash: 0, items: [] });
  return id;
}

/** Replaces a bucket's items and passes its new weight up. */
function setItems(work: Work, bucket: Bucket, items: readonly Item[]): void {
  const next = { ...bucket, items };
  work.buckets.set(bucket.id, next);
  work.changed.add(bucket.id);
  const weight = bucketWeight(next);
  if (weight === bucketWeight(bucket)) return;
  for (const parentId of work.parents.get(bucket.id) ?? []) {
    const parent = work.buckets.get(parentId);
    if (parent === undefined) continue;
    const passed = parent.items.map((item) => (item.id === bucket.id ? { ...item, weight } : item));
    setItems(work, parent, passed);
  }
}

function finish(map: CrushMap, work: Work): CrushMap {
  const classes = new Set([
    ...map.classes,
    ...map.devices.flatMap(({ class: each }) => each ?? []),
  ]);
  const deviceClasses = new Map(
    map.devices.flatMap(({ id, class: each }): [number, string][] =>
      each === undefined ? [] : [[id, each]],
    ),
  );
  makeShadows({ buckets: work.buckets, deviceClasses, classes, givenShadows: work.shadows });
  // Weights that a balancer wrote for a bucket do not fit it any more.
  const chooseArgs = new Map(
    [...map.chooseArgs].map(([index, args]) => [
      index,
      new Map([...args].filter(([id]) => work.buckets.has(id) && !work.changed.has(id))),
    ]),
  );
  return { ...map, buckets: work.buckets, classes: [...classes], chooseArgs };
}
