/**
 * From map to text, as `crushtool -d` writes it: children before parents, shadow buckets only as
 * ids of their originals, weights with three digits (the text is for people; JSON keeps them all).
 */
import {
  type Bucket,
  bucketWeight,
  type CrushMap,
  legacyTunables,
  type Rule,
  type Step,
  slotOf,
  type Tunables,
} from "../map.ts";
import { refuse } from "./draft.ts";
import { printWeight } from "./fixed-point.ts";

/** `weightText`: how weights are written; crushtool's three digits do not say all of one. */
export function decompile(map: CrushMap, weightText = printWeight): string {
  const names = new Map(map.devices.map((device) => [device.id, device.name]));
  for (const bucket of map.buckets.values()) names.set(bucket.id, bucket.name);
  const nameOf = (id: number) => names.get(id) ?? (id >= 0 ? `device${id}` : `bucket${slotOf(id)}`);
  const shadows = shadowsByOriginal(map);
  return [
    "# begin crush map",
    ...tunableLines(map.tunables),
    "",
    "# devices",
    ...map.devices.map(({ id, name, class: deviceClass }) =>
      deviceClass === undefined
        ? `device ${id} ${name}`
        : `device ${id} ${name} class ${deviceClass}`,
    ),
    "",
    "# types",
    ...(map.types.has(0) || map.types.size === 0 ? [] : ["type 0 osd"]),
    ...[...map.types].map(([id, name]) => `type ${id} ${name}`),
    "",
    "# buckets",
    ...childrenFirst(map).flatMap((bucket) =>
      bucketLines(map, bucket, shadows.get(bucket.id) ?? [], { nameOf, weightText }),
    ),
    "",
    "# rules",
    ...[...map.rules.values()].flatMap((rule) => ruleLines(map, rule, nameOf)),
    ...chooseArgsLines(map),
    "",
    "# end crush map",
    "",
  ].join("\n");
}

type NameOf = (id: number) => string;

const typeName = (map: CrushMap, type: number) =>
  map.types.get(type) ?? (type === 0 ? "device" : `type${type}`);

function tunableLines(tunables: Tunables): string[] {
  const names = {
    choose_local_tries: "chooseLocalTries",
    choose_local_fallback_tries: "chooseLocalFallbackTries",
    choose_total_tries: "chooseTotalTries",
    chooseleaf_descend_once: "chooseleafDescendOnce",
    chooseleaf_vary_r: "chooseleafVaryR",
    chooseleaf_stable: "chooseleafStable",
    straw_calc_version: "strawCalcVersion",
    allowed_bucket_algs: "allowedBucketAlgs",
  } as const;
  return Object.entries(names)
    .filter(([, key]) => tunables[key] !== legacyTunables[key])
    .map(([name, key]) => `tunable ${name} ${tunables[key]}`);
}

/** Buckets from -1 downwards, each after what it holds. */
function childrenFirst(map: CrushMap): Bucket[] {
  const ordered = new Set<Bucket>();
  const open = new Set<Bucket>();
  const visit = (bucket: Bucket) => {
    if (ordered.has(bucket)) return;
    if (open.has(bucket)) refuse(`bucket ${bucket.name} contains itself`);
    open.add(bucket);
    for (const item of bucket.items) {
      const child = map.buckets.get(item.id);
      if (child !== undefined) visit(child);
    }
    ordered.add(bucket);
  };
  for (const bucket of [...map.buckets.values()].sort((a, b) => b.id - a.id)) visit(bucket);
  return [...ordered].filter((bucket) => bucket.shadow === undefined);
}

const algorithmNotes = {
  uniform: (size: number) => `\t# do not change bucket size (${size}) unnecessarily`,
  list: () => "\t# add new items at the end; do not change order unnecessarily",
  tree: () => "\t# do not change pos for existing items unnecessarily",
  straw: () => "",
  straw2: () => "",
};

function bucketLines(
  map: CrushMap,
  bucket: Bucket,
  shadows: readonly Bucket[],
  { nameOf, weightText }: { readonly nameOf: NameOf; readonly weightText: typeof printWeight },
): string[] {
  const positioned = bucket.algorithm === "uniform" || bucket.algorithm === "tree";
  const { id, algorithm, hash, items } = bucket;
  return [
    `${typeName(map, bucket.type)} ${bucket.name} {`,
    `\tid ${id}\t\t# do not change unnecessarily`,
    ...shadows.map(
      (each) => `\tid ${each.id} class ${each.shadow?.class}\t\t# do not change unnecessarily`,
    ),
    `\t# weight ${weightText(bucketWeight(bucket))}`,
    `\talg ${algorithm}${algorithmNotes[algorithm](items.length)}`,
    `\thash ${hash}\t# ${hash === 0 ? "rjenkins1" : "unknown"}`,
    ...items.map(
      (item, position) =>
        `\titem ${nameOf(item.id)} weight ${weightText(item.weight)}${positioned ? ` pos ${position}` : ""}`,
    ),
    "}",
  ];
}

/** Shadows by the bucket that they shadow, in the order of the classes. */
function shadowsByOriginal(map: CrushMap): Map<number, Bucket[]> {
  const shadows = [...map.buckets.values()].filter((bucket) => bucket.shadow !== undefined);
  const order = (bucket: Bucket) => map.classes.indexOf(bucket.shadow?.class ?? "");
  return Map.groupBy(
    shadows.sort((a, b) => order(a) - order(b)),
    (bucket) => bucket.shadow?.of ?? 0,
  );
}

function ruleLines(map: CrushMap, rule: Rule, nameOf: NameOf): string[] {
  return [
    `rule ${rule.name ?? ""} {`,
    `\tid ${rule.id}`,
    ...(rule.id > 255
      ? [
          `\t# WARNING: ruleset ${rule.id & 0xff} != id ${rule.id}; this will not recompile to the same map`,
        ]
      : []),
    `\ttype ${rule.kind}`,
    `\tmin_size ${rule.minSize}`,
    `\tmax_size ${rule.maxSize}`,
    ...rule.steps.map((step) => `\tstep ${stepText(map, step, nameOf)}`),
    "}",
  ];
}

function stepText(map: CrushMap, step: Step, nameOf: NameOf): string {
  switch (step.op) {
    case "take": {
      const shadow = map.buckets.get(step.item)?.shadow;
      return shadow === undefined
        ? `take ${nameOf(step.item)}`
        : `take ${nameOf(shadow.of)} class ${shadow.class}`;
    }
    case "emit":
      return "emit";
    case "choose":
    case "chooseleaf":
      return `${step.op} ${step.mode} ${step.count} type ${typeName(map, step.type)}`;
    default:
      return `${step.op} ${step.value}`;
  }
}

function chooseArgsLines(map: CrushMap): string[] {
  if (map.chooseArgs.size === 0) return [];
  return [
    "",
    "# choose_args",
    ...[...map.chooseArgs].flatMap(([index, args]) => [
      `choose_args ${index} {`,
      ...[...args]
        .sort(([a], [b]) => b - a)
        .flatMap(([id, { weightSets, ids }]) => [
          "  {",
          `    bucket_id ${id}`,
          ...(weightSets.length === 0
            ? []
            : [
                "    weight_set [",
                ...weightSets.map(
                  (set) => `      [ ${set.map((weight) => `${printWeight(weight)} `).join("")}]`,
                ),
                "    ]",
              ]),
          ...(ids.length === 0 ? [] : [`    ids [ ${ids.map((id) => `${id} `).join("")}]`]),
          "  }",
        ]),
      "}",
    ]),
  ];
}
