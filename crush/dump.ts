/**
 * A map as JSON in the shape of `crushtool --dump` and `ceph osd crush dump`, so that maps of
 * running Ceph clusters can be read and the output fed to their tools. Lossless but for the order
 * of device classes, which is kept in one field of our own (`classes`).
 *
 * Item weights are 16.16 and, as Ceph prints them, signed: 32,768.0 and more is negative. Weights
 * of choose_args are decimals. Shadow buckets are among the buckets, called `name~class`.
 */

import { dumpTunables, type TunablesDump } from "./dump-tunables.ts";
import {
  type Bucket,
  bucketWeight,
  type ChooseArgs,
  type CrushMap,
  deviceCount,
  type Rule,
  type Step,
  slotOf,
} from "./map.ts";

export interface DumpStep {
  readonly op?: string;
  readonly opcode?: number;
  readonly item?: number;
  readonly item_name?: string;
  readonly num?: number;
  readonly type?: string;
  readonly arg1?: number;
  readonly arg2?: number;
}

export interface DumpBucket {
  readonly id: number;
  readonly name: string;
  readonly type_id: number;
  readonly type_name: string;
  readonly weight: number;
  readonly alg: string;
  readonly hash: string;
  readonly items: readonly { readonly id: number; readonly weight: number; readonly pos: number }[];
}

export interface DumpRule {
  readonly rule_id: number;
  readonly rule_name?: string;
  readonly ruleset: number;
  readonly type: number;
  readonly min_size: number;
  readonly max_size: number;
  readonly steps: readonly DumpStep[];
}

export interface DumpChooseArgs {
  readonly bucket_id: number;
  readonly weight_set?: readonly (readonly number[])[];
  readonly ids?: readonly number[];
}

export interface Dump {
  readonly devices: readonly {
    readonly id: number;
    readonly name: string;
    readonly class?: string;
  }[];
  readonly types: readonly { readonly type_id: number; readonly name: string }[];
  readonly buckets: readonly DumpBucket[];
  readonly rules: readonly DumpRule[];
  readonly tunables: TunablesDump;
  readonly choose_args: Readonly<Record<string, readonly DumpChooseArgs[]>>;
  /** Ours: device classes in the order that shadow trees follow. */
  readonly classes: readonly string[];
}

/** Numbers of the rule kinds in Ceph. */
export const ruleKinds = { replicated: 1, erasure: 3 } as const;

/** Steps that Ceph's dump knows by number only. */
export const opcodes = {
  set_choose_local_tries: 10,
  set_choose_local_fallback_tries: 11,
  set_chooseleaf_vary_r: 12,
  set_chooseleaf_stable: 13,
} as const;

export function dump(map: CrushMap): Dump {
  const buckets = [...map.buckets.values()].sort((a, b) => b.id - a.id);
  return {
    devices: dumpDevices(map),
    types: dumpTypes(map),
    buckets: buckets.map((bucket) => dumpBucket(map, bucket)),
    rules: [...map.rules.values()].map((rule) => dumpRule(map, rule)),
    tunables: dumpTunables(map),
    choose_args: Object.fromEntries(
      [...map.chooseArgs].map(([index, args]) => [
        String(index),
        [...args]
          .sort(([a], [b]) => slotOf(a) - slotOf(b))
          .map(([id, one]) => dumpChooseArgs(id, one)),
      ]),
    ),
    classes: map.classes,
  };
}

/** Devices, gaps included: an id without a name is called by its number. */
function dumpDevices(map: CrushMap): Dump["devices"] {
  const known = new Map(map.devices.map((device) => [device.id, device]));
  return Array.from(
    { length: deviceCount(map) },
    (_, id) => known.get(id) ?? { id, name: `device${id}` },
  );
}

function dumpTypes(map: CrushMap): Dump["types"] {
  const types = [...map.types].map(([id, name]) => ({ type_id: id, name }));
  return map.types.has(0) ? types : [{ type_id: 0, name: "device" }, ...types];
}

function dumpBucket(map: CrushMap, bucket: Bucket): DumpBucket {
  return {
    id: bucket.id,
    name: bucket.name,
    type_id: bucket.type,
    type_name: map.types.get(bucket.type) ?? "",
    weight: bucketWeight(bucket) | 0,
    alg: bucket.algorithm,
    hash: bucket.hash === 0 ? "rjenkins1" : "unknown",
    items: bucket.items.map(({ id, weight }, pos) => ({ id, weight: weight | 0, pos })),
  };
}

function dumpRule(map: CrushMap, rule: Rule): DumpRule {
  return {
    rule_id: rule.id,
    ...(rule.name === undefined ? {} : { rule_name: rule.name }),
    // One byte in Ceph.
    ruleset: rule.id & 0xff,
    type: ruleKinds[rule.kind],
    min_size: rule.minSize,
    max_size: rule.maxSize,
    steps: rule.steps.map((step) => dumpStep(map, step)),
  };
}

function dumpStep(map: CrushMap, step: Step): DumpStep {
  switch (step.op) {
    case "take":
      return { op: "take", item: step.item, item_name: itemName(map, step.item) };
    case "emit":
      return { op: "emit" };
    case "choose":
    case "chooseleaf":
      return {
        op: `${step.op}_${step.mode}`,
        num: step.count,
        type: map.types.get(step.type) ?? "",
      };
    case "set_choose_tries":
    case "set_chooseleaf_tries":
      return { op: step.op, num: step.value };
    default:
      return { opcode: opcodes[step.op], arg1: step.value, arg2: 0 };
  }
}

/** The name of a device or bucket; empty when it has none. */
export function itemName(map: CrushMap, id: number): string {
  if (id < 0) return map.buckets.get(id)?.name ?? "";
  return map.devices.find((device) => device.id === id)?.name ?? "";
}

function dumpChooseArgs(bucketId: number, args: ChooseArgs): DumpChooseArgs {
  const sets = args.weightSets.map((set) => set.map((weight) => Math.fround(weight) / 65536));
  return {
    bucket_id: bucketId,
    ...(sets.length > 0 ? { weight_set: sets } : {}),
    ...(args.ids.length > 0 ? { ids: args.ids } : {}),
  };
}
