/**
 * `crushtool --test`: runs a range of inputs through rules and reports what comes out, line by
 * line and letter by letter as crushtool prints it, so that `diff` can compare the two.
 */
import { mostAffected } from "./affected.ts";
import { hash2 } from "./hash.ts";
import { type Layout, type LayoutOptions, layOut } from "./layout.ts";
import { type CrushMap, deviceCount, NONE, type Rule, WEIGHT_ONE } from "./map.ts";
import { place } from "./place.ts";
import { printFloat } from "./print-float.ts";
import { createScratch } from "./scratch.ts";

export interface TestOptions {
  /** All rules when absent. */
  readonly rules?: { readonly first: number; readonly last: number };
  /** The rule's own range of sizes when absent. */
  readonly replicas?: number;
  readonly minX: number;
  readonly maxX: number;
  /** Mixes a pool's id into every input. */
  readonly poolId?: number;
  /** Reweights by device, 16.16; other devices are in when they stand in a bucket. */
  readonly reweights: ReadonlyMap<number, number>;
  readonly show: ReadonlySet<Show>;
  readonly overflow?: NonNullable<LayoutOptions["overflow"]>;
}

export type Show = "mappings" | "bad-mappings" | "statistics" | "utilization" | "utilization-all";

/** The lines of the report, without line ends. */
export function* testLines(map: CrushMap, options: TestOptions): Generator<string, void> {
  const layout = layOut(map, { overflow: options.overflow ?? "refuse" });
  const reweights = startingReweights(map, options.reweights);
  const { first, last } = options.rules ?? { first: 0, last: Math.max(-1, ...map.rules.keys()) };
  for (let id = first; id <= last && id <= Math.max(-1, ...map.rules.keys()); id++) {
    const rule = map.rules.get(id);
    const statistics = options.show.has("statistics");
    if (rule === undefined) {
      if (statistics) yield `rule ${id} dne`;
      continue;
    }
    const fewest = options.replicas ?? rule.minSize;
    const most = options.replicas ?? rule.maxSize;
    if (statistics)
      yield `rule ${id} (${rule.name ?? ""}), x = ${options.minX}..${options.maxX}, numrep = ${fewest}..${most}`;
    for (let replicas = fewest; replicas <= most; replicas++)
      yield* testRule(map, layout, rule, replicas, reweights, options);
  }
}

/** Every device that stands in a bucket is in, unless told otherwise; the others are out. */
export function startingReweights(
  map: CrushMap,
  given: ReadonlyMap<number, number> = new Map(),
): Uint32Array {
  const reweights = new Uint32Array(deviceCount(map));
  for (const bucket of map.buckets.values())
    for (const { id } of bucket.items) if (id >= 0) reweights[id] = WEIGHT_ONE;
  for (const [device, weight] of given) reweights[device] = weight;
  return reweights;
}

function* testRule(
  map: CrushMap,
  layout: Layout,
  rule: Rule,
  replicas: number,
  reweights: Uint32Array,
  options: TestOptions,
): Generator<string, void> {
  const { minX, maxX, poolId, show } = options;
  const total = reweights.reduce((sum, weight) => (sum + weight) | 0, 0);
  if (total === 0) return;
  const scratch = createScratch(layout, Math.max(1, replicas));
  const stored = new Int32Array(reweights.length);
  const sizes = new Map<number, number>();
  for (let x = minX; x <= maxX; x++) {
    const input = poolId === undefined ? x : hash2(x, poolId);
    const count = place(layout, rule.id, input, replicas, reweights, scratch);
    const result = scratch.result.subarray(0, count);
    let complete = count === replicas;
    for (const device of result) {
      if (device === NONE) complete = false;
      else if (device >= 0) stored[device] = (stored[device] ?? 0) + 1;
    }
    sizes.set(count, (sizes.get(count) ?? 0) + 1);
    if (show.has("mappings")) yield `CRUSH rule ${rule.id} x ${x} [${result.join(",")}]`;
    if (show.has("bad-mappings") && !complete)
      yield `bad mapping rule ${rule.id} x ${x} num_rep ${replicas} result [${result.join(",")}]`;
  }
  const inputs = maxX - minX + 1;
  if (show.has("statistics")) {
    for (const [size, count] of [...sizes].sort(([a], [b]) => a - b))
      yield `rule ${rule.id} (${rule.name ?? ""}) num_rep ${replicas} result size == ${size}:\t${count}/${inputs}`;
    const objects = Math.fround(Math.imul(Math.min(replicas, mostAffected(map, rule)), inputs));
    yield* usage(stored, reweights, total, objects, show);
  } else if (show.has("utilization")) {
    for (const [device, count] of stored.entries()) yield `  device ${device}:\t${count}`;
  }
}

/** What each device got, and what its reweight alone would give it, in 32-bit floats as Ceph. */
function* usage(
  stored: Int32Array,
  reweights: Uint32Array,
  total: number,
  objects: number,
  show: ReadonlySet<Show>,
): Generator<string, void> {
  for (const [device, count] of stored.entries()) {
    const share = Math.fround(Math.fround(reweights[device] ?? 0) / Math.fround(total));
    const expected = Math.fround(share * objects);
    const listed = show.has("utilization")
      ? expected > 0 && count > 0
      : show.has("utilization-all");
    if (listed)
      yield `  device ${device}:\t\t stored : ${count}\t expected : ${printFloat(expected)}`;
  }
}
