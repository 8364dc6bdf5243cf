/** The maps that new clusters start with: straw2 throughout, newest tunables. */
import { addDevices, emptyMap, setRule } from "./edit.ts";
import { type CrushMap, type Rule, WEIGHT_ONE } from "./map.ts";

/** Levels that every map of Quarry has, whether it uses them or not, so that it can grow. */
export const levels = ["osd", "host", "rack", "root"] as const;
export const ROOT = "default";

/** What a rule spreads over: no two replicas share one of these. */
export type FailureDomain = Exclude<(typeof levels)[number], "root">;

export interface ClusterDevice {
  readonly name: string;
  readonly host: string;
  readonly rack?: string;
  readonly class?: string;
  /** 16.16; 1.0, which is {@link WEIGHT_ONE}, by habit means a tebibyte. */
  readonly weight?: number;
}

/** A map of the given devices below one root. Rules are added with {@link spreadRule}. */
export function clusterMap(devices: readonly ClusterDevice[]): CrushMap {
  return addDevices(
    emptyMap(levels),
    devices.map(({ name, host, rack, class: deviceClass, weight }) => ({
      name,
      weight: weight ?? WEIGHT_ONE,
      ...(deviceClass === undefined ? {} : { class: deviceClass }),
      location: [
        { type: "host", name: host },
        ...(rack === undefined ? [] : [{ type: "rack", name: rack }]),
        { type: "root", name: ROOT },
      ],
    })),
  );
}

export interface SpreadRule {
  readonly id: number;
  readonly name: string;
  readonly kind: Rule["kind"];
  readonly domain: FailureDomain;
  readonly class?: string;
}

/** Adds a rule that spreads replicas (firstn) or pieces (indep) over failure domains. */
export function spreadRule(map: CrushMap, rule: SpreadRule): CrushMap {
  const name = rule.class === undefined ? ROOT : `${ROOT}~${rule.class}`;
  const root = [...map.buckets.values()].find((bucket) => bucket.name === name);
  const type = levels.indexOf(rule.domain);
  return setRule(map, {
    id: rule.id,
    name: rule.name,
    kind: rule.kind,
    minSize: 1,
    maxSize: 100,
    steps: [
      { op: "take", item: root?.id ?? -1 },
      {
        op: type === 0 ? "choose" : "chooseleaf",
        mode: rule.kind === "replicated" ? "firstn" : "indep",
        count: 0,
        type,
      },
      { op: "emit" },
    ],
  });
}
