/**
 * From text to map. Accepts what Ceph's compiler accepts and gives the same ids; the messages are
 * our own. Declarations are taken in order, names must be known when they are used.
 */
import { limits } from "../../base/limits.ts";
import type { CrushMap, Tunables } from "../map.ts";
import { makeShadows } from "../shadow.ts";
import { compileBucket } from "./compile-bucket.ts";
import { compileChooseArgs } from "./compile-choose-args.ts";
import { compileRule } from "./compile-rule.ts";
import { type Draft, emptyDraft, refuse } from "./draft.ts";
import { parse } from "./grammar.ts";
import type { BucketBlock, Declaration, DeviceLine, TunableLine, TypeLine } from "./syntax.ts";

/** Compiles a text map; throws InvalidArgument with what is wrong and where. */
export function compile(text: string): CrushMap {
  const declarations = bucketsBeforeTheirParents(parse(text));
  const draft = emptyDraft();
  for (const each of declarations)
    if (each.kind === "bucket") for (const { id } of each.ids) draft.takenIds.add(id);
  for (const each of declarations) declare(draft, each);
  return {
    tunables: draft.tunables,
    devices: [...draft.deviceNames]
      .sort(([a], [b]) => a - b)
      .map(([id, name]) => {
        const deviceClass = draft.deviceClasses.get(id);
        return deviceClass === undefined ? { id, name } : { id, name, class: deviceClass };
      }),
    types: sortedByKey(draft.typeNames),
    buckets: draft.buckets,
    rules: sortedByKey(draft.rules),
    classes: [...draft.classes],
    chooseArgs: sortedByKey(draft.chooseArgs),
  };
}

function sortedByKey<T>(map: Map<number, T>): Map<number, T> {
  return new Map([...map].sort(([a], [b]) => a - b));
}

function declare(draft: Draft, declaration: Declaration): void {
  switch (declaration.kind) {
    case "tunable":
      setTunable(draft, declaration);
      break;
    case "device":
      addDevice(draft, declaration);
      break;
    case "type":
      addType(draft, declaration);
      break;
    case "bucket":
      if (draft.shadows !== undefined) refuse("buckets must stand before the first rule");
      compileBucket(draft, declaration);
      break;
    case "rule":
      // Shadow trees are made once all buckets are known, and only for rules.
      draft.shadows ??= makeShadows(draft);
      compileRule(draft, declaration);
      break;
    case "choose_args":
      compileChooseArgs(draft, declaration);
      break;
  }
}

const tunableNames: Readonly<Record<string, keyof Tunables>> = {
  choose_local_tries: "chooseLocalTries",
  choose_local_fallback_tries: "chooseLocalFallbackTries",
  choose_total_tries: "chooseTotalTries",
  chooseleaf_descend_once: "chooseleafDescendOnce",
  chooseleaf_vary_r: "chooseleafVaryR",
  chooseleaf_stable: "chooseleafStable",
  straw_calc_version: "strawCalcVersion",
  allowed_bucket_algs: "allowedBucketAlgs",
};

/** These are one byte wide in Ceph, the others four. */
const narrow: ReadonlySet<keyof Tunables> = new Set([
  "chooseleafVaryR",
  "chooseleafStable",
  "strawCalcVersion",
]);

function setTunable(draft: Draft, { name, value }: TunableLine): void {
  const key = Object.hasOwn(tunableNames, name) ? tunableNames[name] : undefined;
  if (key === undefined)
    refuse(`no tunable is called ${name}; known: ${Object.keys(tunableNames).join(", ")}`);
  draft.tunables = { ...draft.tunables, [key]: narrow.has(key) ? value & 0xff : value >>> 0 };
}

function addDevice(draft: Draft, { id, name, class: deviceClass }: DeviceLine): void {
  if (id < 0 || id >= limits.crushDevices)
    refuse(`device ${name}: ids go from 0 to ${limits.crushDevices - 1}, not ${id}`);
  if (draft.itemIds.has(name)) refuse(`two devices are called ${name}`);
  draft.itemIds.set(name, id);
  draft.deviceNames.set(id, name);
  if (deviceClass === undefined) return;
  draft.classes.add(deviceClass);
  draft.deviceClasses.set(id, deviceClass);
}

function addType(draft: Draft, { id, name }: TypeLine): void {
  draft.typeIds.set(name, id);
  draft.typeNames.set(id, name);
}

/**
 * Moves buckets that are used before they stand: each trades places with its user, once, in one
 * pass over all pairs. That mends one level of disorder; deeper disorder ends as an unknown item.
 */
function bucketsBeforeTheirParents(declarations: Declaration[]): Declaration[] {
  const ordered = [...declarations];
  const buckets = ordered.filter((each): each is BucketBlock => each.kind === "bucket");
  const places = new Map<string, number>();
  const contents = new Map<string, Set<string>>();
  for (const [place, each] of ordered.entries()) {
    if (each.kind !== "bucket") continue;
    places.set(each.name, place);
    const known = contents.get(each.name) ?? new Set();
    for (const item of each.items) known.add(item.name);
    contents.set(each.name, known);
  }
  const holds = (outer: string, inner: string) => contents.get(outer)?.has(inner) === true;
  for (const [i, { name: first }] of buckets.entries()) {
    // A bucket of devices has nothing to wait for.
    if (![...(contents.get(first) ?? [])].some((name) => places.has(name))) continue;
    for (const { name: second } of buckets.slice(i + 1)) {
      if (!holds(first, second)) continue;
      if (holds(second, first)) refuse(`buckets ${first} and ${second} contain each other`);
      swap(ordered, places.get(first) ?? 0, places.get(second) ?? 0);
    }
  }
  return ordered;
}

function swap(list: Declaration[], i: number, j: number): void {
  const a = list[i];
  const b = list[j];
  if (a === undefined || b === undefined) return;
  list[i] = b;
  list[j] = a;
}
