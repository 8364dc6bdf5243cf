/** The tunables part of a dump: the figures, and what they demand of clients. */
import type { CrushMap, Tunables } from "./map.ts";

/** Figures and 0/1 flags under Ceph's names, and the two that are words. */
export type TunablesDump = Readonly<Record<string, number | string>>;

interface Profile {
  readonly name: string;
  readonly tunables: Omit<Tunables, "strawCalcVersion">;
}

const bobtail = {
  chooseLocalTries: 0,
  chooseLocalFallbackTries: 0,
  chooseTotalTries: 50,
  chooseleafDescendOnce: 1,
  chooseleafVaryR: 0,
  chooseleafStable: 0,
  allowedBucketAlgs: 22,
};

const argonaut = {
  ...bobtail,
  chooseLocalTries: 2,
  chooseLocalFallbackTries: 5,
  chooseTotalTries: 19,
  chooseleafDescendOnce: 0,
};

const profiles: readonly Profile[] = [
  {
    name: "jewel",
    tunables: { ...bobtail, chooseleafVaryR: 1, chooseleafStable: 1, allowedBucketAlgs: 54 },
  },
  { name: "hammer", tunables: { ...bobtail, chooseleafVaryR: 1, allowedBucketAlgs: 54 } },
  { name: "firefly", tunables: { ...bobtail, chooseleafVaryR: 1 } },
  { name: "bobtail", tunables: bobtail },
  { name: "argonaut", tunables: argonaut },
];

function profileOf(tunables: Tunables): string {
  const fits = ({ tunables: wanted }: Profile) =>
    Object.entries(wanted).every(([key, value]) => tunables[key as keyof Tunables] === value);
  return profiles.find(fits)?.name ?? "unknown";
}

export function dumpTunables(map: CrushMap): TunablesDump {
  const { tunables } = map;
  const profile = profileOf(tunables);
  const needs = needsOf(map);
  return {
    choose_local_tries: tunables.chooseLocalTries,
    choose_local_fallback_tries: tunables.chooseLocalFallbackTries,
    choose_total_tries: tunables.chooseTotalTries,
    chooseleaf_descend_once: tunables.chooseleafDescendOnce,
    chooseleaf_vary_r: tunables.chooseleafVaryR,
    chooseleaf_stable: tunables.chooseleafStable,
    straw_calc_version: tunables.strawCalcVersion,
    allowed_bucket_algs: tunables.allowedBucketAlgs,
    profile,
    optimal_tunables: Number(profile === "jewel"),
    legacy_tunables: Number(profile === "argonaut"),
    minimum_required_version: oldestRelease(needs),
    require_feature_tunables: Number(needs.tunables),
    require_feature_tunables2: Number(needs.tunables2),
    has_v2_rules: Number(needs.v2Rules),
    require_feature_tunables3: Number(needs.tunables3),
    has_v3_rules: Number(needs.v3Rules),
    has_v4_buckets: Number(needs.v4Buckets),
    require_feature_tunables5: Number(needs.tunables5),
    has_v5_rules: Number(needs.v5Rules),
  };
}

/** What a client must understand to place data by this map. */
function needsOf(map: CrushMap) {
  const { tunables } = map;
  const steps = [...map.rules.values()].flatMap((rule) => rule.steps);
  return {
    tunables:
      tunables.chooseLocalTries !== argonaut.chooseLocalTries ||
      tunables.chooseLocalFallbackTries !== argonaut.chooseLocalFallbackTries ||
      tunables.chooseTotalTries !== argonaut.chooseTotalTries,
    tunables2: tunables.chooseleafDescendOnce !== 0,
    tunables3: tunables.chooseleafVaryR !== 0,
    tunables5: tunables.chooseleafStable !== 0,
    v2Rules: steps.some(
      (step) =>
        ("mode" in step && step.mode === "indep") ||
        step.op === "set_choose_tries" ||
        step.op === "set_chooseleaf_tries",
    ),
    v3Rules: steps.some((step) => step.op === "set_chooseleaf_vary_r"),
    v4Buckets: [...map.buckets.values()].some((bucket) => bucket.algorithm === "straw2"),
    v5Rules: steps.some((step) => step.op === "set_chooseleaf_stable"),
  };
}

function oldestRelease(needs: ReturnType<typeof needsOf>): string {
  if (needs.v5Rules || needs.tunables5) return "jewel";
  if (needs.v4Buckets) return "hammer";
  // Rules of the second and third version are forgotten here, as in Ceph.
  if (needs.tunables3) return "firefly";
  if (needs.tunables2 || needs.tunables) return "bobtail";
  return "argonaut";
}
