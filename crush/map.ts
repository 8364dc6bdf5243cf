/**
 * A CRUSH map as people and Ceph speak of it: devices in a tree of buckets, rules that walk the
 * tree, tunables. Plain immutable data; `layout.ts` turns it into the form that draws quickly.
 *
 * Ids: devices are 0, 1, 2 …; buckets are -1, -2, …. Weights are 16.16 fixed point (65,536 = 1.0,
 * by habit one tebibyte), unsigned 32-bit.
 */

/** How a bucket picks one of its items. */
export type Algorithm = "uniform" | "list" | "tree" | "straw" | "straw2";

/** Knobs that old maps keep at old values so that data does not move. */
export interface Tunables {
  /** Retries within the bucket where two replicas collided. */
  readonly chooseLocalTries: number;
  /** Retries by permutation before a new descent; 0 switches it off. */
  readonly chooseLocalFallbackTries: number;
  /** Retries from the top before a replica is given up. */
  readonly chooseTotalTries: number;
  /** 1: a leaf below a chosen bucket is tried once, then the descent starts again. */
  readonly chooseleafDescendOnce: number;
  /** Not 0: the leaf's number depends on the bucket's attempt, shifted right by this less one. */
  readonly chooseleafVaryR: number;
  /** 1: each leaf is numbered from 0, so that removing a device moves less. */
  readonly chooseleafStable: number;
  /** Which of two formulas gives the straw lengths. */
  readonly strawCalcVersion: number;
  /** Bit mask of the algorithms that a cluster's monitors accept; no effect on placement. */
  readonly allowedBucketAlgs: number;
}

/** What a text map has that says nothing: Ceph's oldest behaviour. */
export const legacyTunables: Tunables = {
  chooseLocalTries: 2,
  chooseLocalFallbackTries: 5,
  chooseTotalTries: 19,
  chooseleafDescendOnce: 0,
  chooseleafVaryR: 0,
  chooseleafStable: 0,
  strawCalcVersion: 0,
  allowedBucketAlgs: 22,
};

/** What a new map should have. */
export const optimalTunables: Tunables = {
  chooseLocalTries: 0,
  chooseLocalFallbackTries: 0,
  chooseTotalTries: 50,
  chooseleafDescendOnce: 1,
  chooseleafVaryR: 1,
  chooseleafStable: 1,
  strawCalcVersion: 1,
  allowedBucketAlgs: 54,
};

export interface Device {
  readonly id: number;
  readonly name: string;
  /** A device class such as `ssd`; rules can ask for one. */
  readonly class?: string;
}

export interface Item {
  readonly id: number;
  readonly weight: number;
}

export interface Bucket {
  readonly id: number;
  readonly name: string;
  /** Level of the tree: a key of {@link CrushMap.types}. */
  readonly type: number;
  readonly algorithm: Algorithm;
  /** 0 is Jenkins' hash, the only one there is; with any other number every hash is 0. */
  readonly hash: number;
  readonly items: readonly Item[];
  /** Set on the shadow of a bucket: the same subtree with the devices of one class only. */
  readonly shadow?: { readonly of: number; readonly class: string };
}

export type Step =
  | { readonly op: "take"; readonly item: number }
  | { readonly op: "emit" }
  | {
      readonly op: "choose" | "chooseleaf";
      readonly mode: "firstn" | "indep";
      /** How many; 0 or less counts from the number of replicas that is asked for. */
      readonly count: number;
      readonly type: number;
    }
  | { readonly op: SetOp; readonly value: number };

/** Steps that override a tunable for the rest of the rule. */
export const setOps = [
  "set_choose_tries",
  "set_choose_local_tries",
  "set_choose_local_fallback_tries",
  "set_chooseleaf_tries",
  "set_chooseleaf_vary_r",
  "set_chooseleaf_stable",
] as const;
export type SetOp = (typeof setOps)[number];

export interface Rule {
  readonly id: number;
  /** Rules may be nameless. */
  readonly name?: string;
  readonly kind: "replicated" | "erasure";
  readonly minSize: number;
  readonly maxSize: number;
  readonly steps: readonly Step[];
}

/** Other weights and ids for one straw2 bucket, as Ceph's balancer writes them. */
export interface ChooseArgs {
  /** Weights by output position, then by item; the last position serves all further ones. */
  readonly weightSets: readonly (readonly number[])[];
  /** Ids to hash instead of the items' own; empty for none. */
  readonly ids: readonly number[];
}

export interface CrushMap {
  readonly tunables: Tunables;
  /** By id, ascending. */
  readonly devices: readonly Device[];
  /** Names of the levels. Type 0 is the device. */
  readonly types: ReadonlyMap<number, string>;
  /** By id. Shadow buckets are among them. */
  readonly buckets: ReadonlyMap<number, Bucket>;
  /** By id. */
  readonly rules: ReadonlyMap<number, Rule>;
  /** Device classes in the order in which they were first met; shadow trees follow it. */
  readonly classes: readonly string[];
  /** Sets of {@link ChooseArgs}, by pool id (-1 serves pools without their own), then bucket id. */
  readonly chooseArgs: ReadonlyMap<number, ReadonlyMap<number, ChooseArgs>>;
}

/** Answers that are no device. */
export const NONE = 0x7fffffff;

export const WEIGHT_ONE = 0x10000;

/** The place of a bucket in tables by bucket: -1 → 0, -2 → 1 …. */
export const slotOf = (bucketId: number): number => -1 - bucketId;

/** Sum of the items' weights, unsigned 32-bit. */
export function bucketWeight(bucket: Bucket): number {
  let sum = 0;
  for (const item of bucket.items) sum = (sum + item.weight) >>> 0;
  return sum;
}

/** One more than the highest device id that is named or stands in a bucket. */
export function deviceCount(map: CrushMap): number {
  let count = 0;
  for (const device of map.devices) count = Math.max(count, device.id + 1);
  for (const bucket of map.buckets.values())
    for (const item of bucket.items) count = Math.max(count, item.id + 1);
  return count;
}
