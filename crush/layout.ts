/**
 * A map made ready for drawing: buckets in a table by slot, numbers in typed arrays, derived
 * figures (straws, sums, tree nodes) computed. Immutable; make one per map and pool.
 */
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { type KernelDraw, kernelBytes, openKernel } from "./kernel/kernel.ts";
import {
  type Algorithm,
  type Bucket,
  type ChooseArgs,
  type CrushMap,
  deviceCount,
  type Rule,
  slotOf,
  type Tunables,
} from "./map.ts";
import { strawLengths } from "./straw.ts";
import { treeNodes } from "./tree.ts";

export interface LaidBucket {
  readonly id: number;
  readonly slot: number;
  readonly type: number;
  readonly algorithm: Algorithm;
  /** -1 keeps a hash, 0 erases it: buckets with an unknown hash function hash all to 0. */
  readonly hashMask: number;
  readonly size: number;
  readonly items: Int32Array;
  /** What is hashed for each item; the items themselves but for choose_args. */
  readonly ids: Int32Array;
  /** 16.16 weights by output position; the last serves all further ones. At least one. */
  readonly weightSets: readonly Float64Array[];
  /** True when Ceph reads some straw2 weight as negative. */
  readonly overflows: boolean;
  /** straw: lengths; list: sums up to and with each item; tree: weights of nodes; else empty. */
  readonly figures: Float64Array;
  readonly fast: FastBucket | undefined;
}

/** A large straw2 bucket in the memory of the kernel that draws from it. */
export interface FastBucket {
  readonly draw: KernelDraw;
  readonly ids: number;
  readonly weightSets: readonly number[];
}

export interface Layout {
  readonly tunables: Tunables;
  /** By slot; undefined where no bucket has the id. */
  readonly buckets: readonly (LaidBucket | undefined)[];
  readonly rules: ReadonlyMap<number, Rule>;
  /** Devices are 0 … this - 1. */
  readonly deviceCount: number;
  readonly largestBucket: number;
}

export interface LayoutOptions {
  /** Which choose_args to use: a pool's id, 0 for `crushtool --test`. */
  readonly chooseArgs?: number;
  /**
   * Ceph reads a straw2 weight of 32,768 or more as negative and gives that item everything.
   * `refuse` (the default) explains this instead of placing data; `copy` does what Ceph does.
   */
  readonly overflow?: "refuse" | "copy";
  /** Whether large straw2 buckets are drawn by the SIMD kernel; the answers are the same. */
  readonly kernel?: "auto" | "always" | "never";
}

/** Smaller buckets are drawn faster without the kernel … */
const FAST_ITEMS = 8;
/** … and a map of small ones only is not worth its memory. */
const FAST_MAP_ITEMS = 16;

const NO_FIGURES = new Float64Array(0);

/** Prepares a map; refuses weights that Ceph misreads unless told to copy that. */
export function layOut(map: CrushMap, options: LayoutOptions = {}): Layout {
  const sets = map.chooseArgs.get(options.chooseArgs ?? 0) ?? map.chooseArgs.get(-1);
  const buckets: (LaidBucket | undefined)[] = [];
  let largestBucket = 0;
  for (const bucket of map.buckets.values()) {
    const slot = slotOf(bucket.id);
    if (slot < 0 || slot >= limits.crushBuckets)
      throw new QuarryError("InvalidArgument", `bucket id ${bucket.id} is out of range`);
    while (buckets.length <= slot) buckets.push(undefined);
    const laid = layBucket(map, bucket, sets?.get(bucket.id));
    if (options.overflow !== "copy") refuseOverflow(laid, bucket.name);
    buckets[slot] = laid;
    largestBucket = Math.max(largestBucket, laid.size);
  }
  return {
    tunables: map.tunables,
    buckets: withKernel(buckets, options.kernel ?? "auto"),
    rules: map.rules,
    deviceCount: deviceCount(map),
    largestBucket,
  };
}

function layBucket(map: CrushMap, bucket: Bucket, args: ChooseArgs | undefined): LaidBucket {
  const weights = bucket.items.map((item) => item.weight);
  const straw2 = bucket.algorithm === "straw2";
  const items = Int32Array.from(bucket.items, (item) => item.id);
  const sets =
    straw2 && args !== undefined && args.weightSets.length > 0 ? args.weightSets : [weights];
  const weightSets = sets.map((set) =>
    Float64Array.from(set, straw2 ? (weight) => weight | 0 : Number),
  );
  return {
    id: bucket.id,
    slot: slotOf(bucket.id),
    type: bucket.type,
    algorithm: bucket.algorithm,
    hashMask: bucket.hash === 0 ? -1 : 0,
    size: items.length,
    items,
    ids: straw2 && args !== undefined && args.ids.length > 0 ? Int32Array.from(args.ids) : items,
    weightSets,
    overflows: straw2 && weightSets.some((set) => set.some((weight) => weight < 0)),
    figures: figuresOf(bucket.algorithm, weights, map.tunables.strawCalcVersion),
    fast: undefined,
  };
}

function figuresOf(algorithm: Algorithm, weights: number[], strawVersion: number): Float64Array {
  switch (algorithm) {
    case "straw":
      return Float64Array.from(strawLengths(weights, strawVersion));
    case "list": {
      let sum = 0;
      return Float64Array.from(weights, (weight) => {
        sum += weight;
        return sum;
      });
    }
    case "tree":
      return treeNodes(weights);
    case "uniform":
    case "straw2":
      return NO_FIGURES;
  }
}

/** Hands the large straw2 buckets to the kernel, when there are any and the engine has one. */
function withKernel(
  buckets: readonly (LaidBucket | undefined)[],
  wish: NonNullable<LayoutOptions["kernel"]>,
): readonly (LaidBucket | undefined)[] {
  const least = wish === "always" ? 1 : FAST_ITEMS;
  const fits = (bucket: LaidBucket | undefined): bucket is LaidBucket =>
    bucket?.algorithm === "straw2" &&
    !bucket.overflows &&
    bucket.hashMask !== 0 &&
    bucket.size >= least;
  const large = buckets.filter(fits);
  const largest = Math.max(0, ...large.map((bucket) => bucket.size));
  if (wish === "never" || largest < (wish === "always" ? 1 : FAST_MAP_ITEMS)) return buckets;
  const kernel = openKernel(
    large.reduce((sum, { size, weightSets }) => sum + kernelBytes(size, weightSets.length), 0),
  );
  if (kernel === undefined) return buckets;
  return buckets.map((bucket) =>
    fits(bucket)
      ? { ...bucket, fast: { draw: kernel.draw, ...kernel.load(bucket.ids, bucket.weightSets) } }
      : bucket,
  );
}

function refuseOverflow(bucket: LaidBucket, name: string): void {
  if (bucket.algorithm !== "straw2") return;
  for (const set of bucket.weightSets)
    set.forEach((weight, i) => {
      if (weight < 0)
        throw new QuarryError(
          "InvalidArgument",
          `bucket ${name}: item ${bucket.items[i]} has weight ${(weight >>> 0) / 65536}. Ceph reads ` +
            "straw2 weights of 32768 or more as negative, and that item would get all the data. " +
            "Scale all weights down (only their ratios matter), or ask to copy Ceph's overflow.",
        );
    });
}
