/**
 * The cluster map as CRUSH sees it: places are its buckets, devices its leaves, and each way of
 * spreading that a pool asks for is a rule. Ids come from the cluster map and stay, so a device or a
 * host more moves only what it must.
 */
import {
  type Bucket,
  bucketWeight,
  type CrushMap,
  type Item,
  optimalTunables,
  type Rule,
  type Step,
  WEIGHT_ONE,
} from "../crush/map.ts";
import { makeShadows } from "../crush/shadow.ts";
import type { ClusterMap, Place } from "./cluster-map.ts";
import { failureDomains, type Pool, type PoolScheme } from "./pool.ts";

/** By type number. */
const levels = [...failureDomains, "root"] as const;

/** Pieces have no substitutes among the others, so that more is tried, as Ceph does. */
const PIECE_TRIES = [
  { op: "set_chooseleaf_tries", value: 5 },
  { op: "set_choose_tries", value: 100 },
] as const satisfies readonly Step[];
const MOST_MEMBERS = 100;

export const osdName = (number: number): string => `osd.${number}`;

export function crushMapOf(map: ClusterMap): CrushMap {
  const classes = [
    ...new Set([
      ...map.devices.flatMap((device) => device.class ?? []),
      ...map.pools.flatMap(({ deviceClass }) => deviceClass ?? []),
    ]),
  ];
  const buckets = bucketsOf(map);
  makeShadows({
    buckets,
    classes,
    deviceClasses: new Map(
      map.devices.flatMap((one) => (one.class === undefined ? [] : [[one.number, one.class]])),
    ),
    givenShadows: new Map(
      map.places.map(({ id, shadows }) => [id, new Map(Object.entries(shadows))]),
    ),
  });
  return {
    tunables: optimalTunables,
    devices: map.devices.map(({ number, class: kind }) => {
      return { id: number, name: osdName(number), ...(kind !== undefined && { class: kind }) };
    }),
    types: new Map(levels.map((name, type) => [type, name])),
    buckets,
    rules: rulesOf(map.pools, buckets),
    classes,
    chooseArgs: new Map(),
  };
}

/** By device number: who is in. */
export function reweightsOf({ devices }: ClusterMap): Uint32Array {
  const reweights = new Uint32Array(Math.max(-1, ...devices.map(({ number }) => number)) + 1);
  for (const one of devices)
    if (one.in && one.place !== undefined) reweights[one.number] = WEIGHT_ONE;
  return reweights;
}

/** Places where nothing stands are left out, but for the root: a rule that finds none finds that. */
function bucketsOf({ places, devices }: ClusterMap): Map<number, Bucket> {
  const devicesAt = Map.groupBy(devices, ({ place }) => place);
  const placesIn = Map.groupBy(places, ({ parent }) => parent);
  const names = namesOf(places);
  const buckets = new Map<number, Bucket>();
  const lay = ({ id, type }: Place): Bucket => {
    const items: Item[] = (devicesAt.get(id) ?? []).map(({ number, weight }) => {
      return { id: number, weight };
    });
    for (const inner of placesIn.get(id) ?? []) {
      const bucket = lay(inner);
      if (bucket.items.length > 0) items.push({ id: inner.id, weight: bucketWeight(bucket) });
    }
    const name = names.get(id) ?? type;
    const level = levels.indexOf(type);
    const bucket: Bucket = { id, name, type: level, algorithm: "straw2", hash: 0, items };
    if (items.length > 0 || type === "root") buckets.set(id, bucket);
    return bucket;
  };
  for (const root of placesIn.get(undefined) ?? []) lay(root);
  return buckets;
}

/** CRUSH wants every name once: the first place that has it keeps it as it is. */
function namesOf(places: readonly Place[]): Map<number, string> {
  const names = new Map<number, string>();
  const taken = new Set<string>();
  for (const { id, name } of places) {
    let free = name;
    for (let nth = -id; taken.has(free); nth++) free = `${name}.${nth}`;
    taken.add(free);
    names.set(id, free);
  }
  return names;
}

export function ruleName({ failureDomain, deviceClass }: Pool, { k }: PoolScheme): string {
  const kind = k === 1 ? "replicated" : "erasure";
  return [kind, failureDomain, ...(deviceClass === undefined ? [] : [deviceClass])].join("_");
}

/** Both kinds for each pool: its blocks may have been opened with another scheme than it has now. */
function rulesOf(pools: readonly Pool[], buckets: Map<number, Bucket>): Map<number, Rule> {
  const rules = new Map<string, Rule>();
  for (const pool of pools)
    for (const k of [1, 2]) {
      const name = ruleName(pool, { k, m: 1 });
      if (!rules.has(name)) rules.set(name, ruleOf(rules.size, name, pool, k === 1, buckets));
    }
  return new Map([...rules.values()].map((rule) => [rule.id, rule]));
}

function ruleOf(
  id: number,
  name: string,
  { failureDomain, deviceClass }: Pool,
  isReplicated: boolean,
  buckets: Map<number, Bucket>,
): Rule {
  const isTop = ({ type, shadow }: Bucket) =>
    levels[type] === "root" && shadow?.class === deviceClass;
  const top = [...buckets.values()].find(isTop);
  const type = levels.indexOf(failureDomain);
  return {
    ...{ id, name, minSize: 1, maxSize: MOST_MEMBERS },
    kind: isReplicated ? "replicated" : "erasure",
    steps: [
      ...(isReplicated ? [] : PIECE_TRIES),
      { op: "take", item: top?.id ?? -1 },
      {
        op: type === 0 ? "choose" : "chooseleaf",
        mode: isReplicated ? "firstn" : "indep",
        count: 0,
        type,
      },
      { op: "emit" },
    ],
  };
}
