/**
 * What moves when a map or rule changes: the same inputs placed before and after. A replica moves
 * when its device was not among the input's devices before; a piece of an erasure rule moves when
 * its position has another device.
 */
import { idealShares } from "./ideal.ts";
import { type LayoutOptions, layOut } from "./layout.ts";
import { type CrushMap, NONE, type Rule } from "./map.ts";
import { place } from "./place.ts";
import { createScratch } from "./scratch.ts";

/** One side of the comparison. */
export interface Situation {
  readonly map: CrushMap;
  readonly rule: Rule;
  readonly replicas: number;
  readonly reweights: Uint32Array;
}

export interface DeviceMovement {
  readonly device: number;
  /** Replicas held, before and after. */
  readonly before: number;
  readonly after: number;
  /** Replicas that come and go. */
  readonly arriving: number;
  readonly leaving: number;
}

export interface Movement {
  readonly inputs: number;
  /** Replicas that had a device before. */
  readonly placedBefore: number;
  readonly placedAfter: number;
  /** Replicas that must be copied to a device that does not hold them. */
  readonly moved: number;
  /** The part of all replicas that any placement had to move, 0 … 1. */
  readonly leastShare: number;
  /** Every device of either side, by id. */
  readonly devices: readonly DeviceMovement[];
}

/** Places inputs 0 … `inputs` - 1 in both situations and compares. */
export function compare(
  before: Situation,
  after: Situation,
  inputs: number,
  options: LayoutOptions = {},
): Movement {
  const from = placer(before, options);
  const to = placer(after, options);
  const count = Math.max(before.reweights.length, after.reweights.length);
  const tally = Array.from({ length: 4 }, () => new Float64Array(count));
  const [held, holds, arriving, leaving] = tally as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const crowdedIn = crowding(after);
  let crowded = 0;
  const byPosition = after.rule.steps.some((step) => "mode" in step && step.mode === "indep");
  for (let x = 0; x < inputs; x++) {
    const old = from(x);
    const now = to(x);
    addTo(held, old);
    crowded += crowdedIn(old);
    addTo(holds, now);
    addTo(arriving, missingFrom(now, old, byPosition));
    addTo(leaving, missingFrom(old, now, byPosition));
  }
  return {
    inputs,
    placedBefore: sum(held),
    placedAfter: sum(holds),
    moved: sum(arriving),
    leastShare: leastShare(before, after, crowded / (inputs * before.replicas)),
    devices: Array.from(held, (_, device) => ({
      device,
      before: held[device] ?? 0,
      after: holds[device] ?? 0,
      arriving: arriving[device] ?? 0,
      leaving: leaving[device] ?? 0,
    })).filter(({ before: a, after: b }) => a > 0 || b > 0),
  };
}

function placer({ map, rule, replicas, reweights }: Situation, options: LayoutOptions) {
  const layout = layOut({ ...map, rules: new Map([[rule.id, rule]]) }, options);
  const scratch = createScratch(layout, replicas);
  return (x: number) => {
    const count = place(layout, rule.id, x, replicas, reweights, scratch);
    return scratch.result.subarray(0, count);
  };
}

function addTo(tally: Float64Array, devices: Iterable<number>): void {
  for (const device of devices)
    if (device >= 0 && device !== NONE) tally[device] = (tally[device] ?? 0) + 1;
}

function* missingFrom(some: Int32Array, others: Int32Array, byPosition: boolean) {
  for (const [i, device] of some.entries())
    if (byPosition ? others[i] !== device : !others.includes(device)) yield device;
}

const sum = (tally: Float64Array): number => tally.reduce((total, one) => total + one, 0);

/** What perfect placement would move, as a part of all replicas before. */
function leastShare(before: Situation, after: Situation, crowdedShare: number): number {
  const replicasOf = ({ map, rule, replicas, reweights }: Situation) =>
    [...idealShares(map, rule, replicas, reweights)].map(([device, share]): [number, number] => [
      device,
      share * replicas,
    ]);
  const had = new Map(replicasOf(before));
  let least = 0;
  // Devices that should hold more get just that …
  for (const [device, holds] of replicasOf(after))
    least += Math.max(0, holds - (had.get(device) ?? 0));
  // … and replicas that share a failure domain of the new rule must part.
  return Math.max(least / before.replicas, crowdedShare);
}

/** Counts replicas that share a failure domain of the new rule with an earlier one. */
function crowding({ map, rule }: Situation): (devices: Int32Array) => number {
  const last = rule.steps.findLast((step) => step.op === "choose" || step.op === "chooseleaf");
  const domains = domainsOf(map, last !== undefined && "type" in last ? last.type : 0);
  return (devices) => {
    let crowded = 0;
    for (let i = 1; i < devices.length; i++) {
      const domain = domains.get(devices[i] as number);
      if (domain === undefined) continue;
      for (let j = 0; j < i; j++)
        if (domains.get(devices[j] as number) === domain) {
          crowded++;
          break;
        }
    }
    return crowded;
  };
}

/** The bucket of a type above each device. */
function domainsOf(map: CrushMap, type: number): Map<number, number> {
  const domains = new Map<number, number>();
  const descend = (id: number, domain: number) => {
    if (id >= 0) domains.set(id, domain);
    else for (const item of map.buckets.get(id)?.items ?? []) descend(item.id, domain);
  };
  for (const bucket of map.buckets.values())
    if (bucket.type === type && bucket.shadow === undefined) descend(bucket.id, bucket.id);
  return domains;
}
