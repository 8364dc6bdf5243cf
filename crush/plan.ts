/**
 * What-if: a list of changes applied to a map and a rule, giving the situation after them. The
 * comparison of the two situations is `movement.ts`.
 */
import { unreachable } from "../base/errors.ts";
import { addDevices, removeItem, reweightItem, withFailureDomain } from "./edit.ts";
import { type CrushMap, type Rule, WEIGHT_ONE } from "./map.ts";
import type { Situation } from "./movement.ts";
import { startingReweights } from "./tester.ts";

export type Change =
  | {
      readonly kind: "add-host";
      readonly name: string;
      readonly devices: number;
      /** Weight of each device, 16.16. */
      readonly weight: number;
      readonly class: string | undefined;
      /** The bucket it comes under; by default where most other hosts are. */
      readonly under: string | undefined;
    }
  | { readonly kind: "remove"; readonly name: string }
  | { readonly kind: "reweight"; readonly name: string; readonly weight: number }
  /** Out, but still in the map: what Ceph does to a failed device. */
  | { readonly kind: "out"; readonly name: string }
  | { readonly kind: "rule"; readonly rule: Rule }
  | { readonly kind: "failure-domain"; readonly type: string }
  | { readonly kind: "replicas"; readonly count: number };

/** The situation after a change. */
export function apply(before: Situation, change: Change): Situation {
  const { map, rule } = before;
  switch (change.kind) {
    case "add-host":
      return withMap(before, addHost(map, change));
    case "remove":
      return withMap(before, removeItem(map, change.name));
    case "reweight":
      return withMap(before, reweightItem(map, change.name, change.weight));
    case "out": {
      const reweights = before.reweights.slice();
      for (const id of devicesBelow(map, change.name)) reweights[id] = 0;
      return { ...before, reweights };
    }
    case "rule":
      return { ...before, rule: change.rule };
    case "failure-domain":
      return { ...before, rule: withFailureDomain(map, rule, change.type) };
    case "replicas":
      return { ...before, replicas: change.count };
    default:
      return unreachable(change);
  }
}

/** New devices come in whole; the others keep their reweight. */
function withMap(before: Situation, map: CrushMap): Situation {
  const known = new Set(before.map.devices.map(({ id }) => id));
  const kept = [...before.reweights].flatMap((weight, id): [number, number][] =>
    known.has(id) && weight !== WEIGHT_ONE ? [[id, weight]] : [],
  );
  const present = new Set(map.devices.map(({ id }) => id));
  const reweights = startingReweights(map, new Map(kept.filter(([id]) => present.has(id))));
  return { ...before, map, reweights };
}

function addHost(map: CrushMap, change: Extract<Change, { kind: "add-host" }>): CrushMap {
  const parent = change.under ?? usualParent(map, "host");
  const bucket = [...map.buckets.values()].find(({ name }) => name === parent);
  const type = bucket === undefined ? "root" : (map.types.get(bucket.type) ?? "root");
  const first = Math.max(-1, ...map.devices.map(({ id }) => id)) + 1;
  return addDevices(
    map,
    Array.from({ length: change.devices }, (_, i) => ({
      name: `osd.${first + i}`,
      weight: change.weight,
      ...(change.class === undefined ? {} : { class: change.class }),
      location: [
        { type: "host", name: change.name },
        { type, name: parent },
      ],
    })),
  );
}

/** The bucket that holds most buckets of a type; a root when there are none. */
function usualParent(map: CrushMap, typeName: string): string {
  let best = "default";
  let most = 0;
  for (const bucket of map.buckets.values()) {
    if (bucket.shadow !== undefined) continue;
    const count = bucket.items.filter(({ id }) => {
      const type = map.buckets.get(id)?.type;
      return type !== undefined && map.types.get(type) === typeName;
    }).length;
    if (count > most) [best, most] = [bucket.name, count];
  }
  return best;
}

function devicesBelow(map: CrushMap, name: string): number[] {
  const device = map.devices.find((each) => each.name === name);
  if (device !== undefined) return [device.id];
  const bucket = [...map.buckets.values()].find((each) => each.name === name);
  const below = (id: number): number[] =>
    id >= 0 ? [id] : (map.buckets.get(id)?.items.flatMap((item) => below(item.id)) ?? []);
  return bucket === undefined ? [] : below(bucket.id);
}
