/**
 * From JSON back to a map: reads what `dump.ts` writes and what Ceph's own dumps say. The JSON may
 * come from anywhere, so everything is checked; shadow trees are recognised by their names.
 */
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { opcodes, ruleKinds } from "./dump.ts";
import { entries, type Fields, integerField, listField, textField } from "./json-fields.ts";
import {
  type Algorithm,
  type Bucket,
  type ChooseArgs,
  type CrushMap,
  type Device,
  type Item,
  type Rule,
  type Step,
  slotOf,
  type Tunables,
} from "./map.ts";

const refuse = (message: string): never => {
  throw new QuarryError("InvalidArgument", `CRUSH map: ${message}`);
};

const algorithms: readonly Algorithm[] = ["uniform", "list", "tree", "straw", "straw2"];

/** Reads a dump; throws InvalidArgument with what is missing or wrong. */
export function undump(json: unknown): CrushMap {
  const top = entries(json, "the map");
  const types = new Map(
    listField(top, "types").map((each) => [integerField(each, "type_id"), textField(each, "name")]),
  );
  const named = listField(top, "devices").map(readDevice);
  const buckets = new Map<number, Bucket>();
  for (const each of listField(top, "buckets")) {
    const bucket = readBucket(each);
    if (buckets.has(bucket.id)) refuse(`bucket id ${bucket.id} is used twice`);
    buckets.set(bucket.id, bucket);
  }
  const placed = new Set([...buckets.values()].flatMap((bucket) => bucket.items.map((i) => i.id)));
  const devices = named.filter(({ id, name }) => name !== `device${id}` || placed.has(id));
  const map: CrushMap = {
    tunables: readTunables(entries(top["tunables"], "tunables")),
    devices,
    types,
    buckets: withShadows(buckets),
    rules: new Map(
      listField(top, "rules").map((each) => {
        const rule = readRule(each, types);
        return [rule.id, rule];
      }),
    ),
    classes: readClasses(top, devices),
    chooseArgs: readChooseArgs(top["choose_args"]),
  };
  checkTrees(map);
  return map;
}

function readDevice(fields: Fields): Device {
  const device = { id: integerField(fields, "id"), name: textField(fields, "name") };
  if (device.id < 0 || device.id >= limits.crushDevices) refuse(`device id ${device.id}`);
  return fields["class"] === undefined ? device : { ...device, class: textField(fields, "class") };
}

function readBucket(fields: Fields): Bucket {
  const name = textField(fields, "name");
  const id = integerField(fields, "id");
  if (slotOf(id) < 0 || slotOf(id) >= limits.crushBuckets) refuse(`bucket ${name}: id ${id}`);
  const alg = textField(fields, "alg");
  const algorithm = algorithms.find((each) => each === alg);
  if (algorithm === undefined) return refuse(`bucket ${name}: unknown alg ${alg}`);
  const items = listField(fields, "items").map(
    (item): Item => ({ id: integerField(item, "id"), weight: integerField(item, "weight") >>> 0 }),
  );
  const hash = textField(fields, "hash") === "rjenkins1" ? 0 : 1;
  return { id, name, type: integerField(fields, "type_id"), algorithm, hash, items };
}

/** `root~ssd` is the shadow of `root` for class `ssd`. */
function withShadows(buckets: Map<number, Bucket>): Map<number, Bucket> {
  const byName = new Map([...buckets.values()].map((bucket) => [bucket.name, bucket.id]));
  return new Map(
    [...buckets.values()].map((bucket) => {
      const [original = "", deviceClass] = bucket.name.split("~");
      const of = byName.get(original);
      if (deviceClass === undefined || of === undefined) return [bucket.id, bucket];
      return [bucket.id, { ...bucket, shadow: { of, class: deviceClass } }];
    }),
  );
}

function readClasses(top: Fields, devices: readonly Device[]): string[] {
  const given = Array.isArray(top["classes"]) ? top["classes"].map(String) : [];
  return [...new Set([...given, ...devices.flatMap((device) => device.class ?? [])])];
}

function readRule(fields: Fields, types: ReadonlyMap<number, string>): Rule {
  const name = fields["rule_name"] === undefined ? "" : textField(fields, "rule_name");
  const type = integerField(fields, "type");
  const byName = new Map([...types].map(([id, each]) => [each, id]));
  const sizes = { min: fields["min_size"], max: fields["max_size"] };
  return {
    id: integerField(fields, "rule_id"),
    ...(name === "" ? {} : { name }),
    kind: type === ruleKinds.erasure ? "erasure" : "replicated",
    // Newer Cephs have no sizes.
    minSize: sizes.min === undefined ? 1 : integerField(fields, "min_size"),
    maxSize: sizes.max === undefined ? 100 : integerField(fields, "max_size"),
    steps: listField(fields, "steps").map((step) => readStep(step, byName)),
  };
}

function readStep(fields: Fields, types: ReadonlyMap<string, number>): Step {
  if (fields["opcode"] !== undefined) {
    const code = integerField(fields, "opcode");
    for (const op of ["set_choose_local_tries", "set_choose_local_fallback_tries"] as const)
      if (opcodes[op] === code) return { op, value: integerField(fields, "arg1") };
    for (const op of ["set_chooseleaf_vary_r", "set_chooseleaf_stable"] as const)
      if (opcodes[op] === code) return { op, value: integerField(fields, "arg1") };
    return refuse(`a rule has a step with opcode ${code}, which is not known here`);
  }
  const op = textField(fields, "op");
  switch (op) {
    case "take":
      return { op, item: integerField(fields, "item") };
    case "emit":
      return { op };
    case "set_choose_tries":
    case "set_chooseleaf_tries":
      return { op, value: integerField(fields, "num") };
    case "choose_firstn":
    case "choose_indep":
    case "chooseleaf_firstn":
    case "chooseleaf_indep": {
      const type = types.get(textField(fields, "type"));
      if (type === undefined) return refuse(`a rule wants type ${textField(fields, "type")}`);
      return {
        op: op.startsWith("chooseleaf") ? "chooseleaf" : "choose",
        mode: op.endsWith("firstn") ? "firstn" : "indep",
        count: integerField(fields, "num"),
        type,
      };
    }
    default:
      return refuse(`a rule has a step ${op}, which is not known here`);
  }
}

function readTunables(fields: Fields): Tunables {
  return {
    chooseLocalTries: integerField(fields, "choose_local_tries"),
    chooseLocalFallbackTries: integerField(fields, "choose_local_fallback_tries"),
    chooseTotalTries: integerField(fields, "choose_total_tries"),
    chooseleafDescendOnce: integerField(fields, "chooseleaf_descend_once"),
    chooseleafVaryR: integerField(fields, "chooseleaf_vary_r"),
    chooseleafStable: integerField(fields, "chooseleaf_stable"),
    strawCalcVersion: integerField(fields, "straw_calc_version"),
    allowedBucketAlgs: integerField(fields, "allowed_bucket_algs"),
  };
}

function readChooseArgs(json: unknown): CrushMap["chooseArgs"] {
  if (json === undefined) return new Map();
  const sets = Object.keys(entries(json, "choose_args"));
  return new Map(
    sets.map((index) => [
      Number(index),
      new Map(
        listField(entries(json, "choose_args"), index).map((fields): [number, ChooseArgs] => [
          integerField(fields, "bucket_id"),
          { weightSets: weightSetsOf(fields["weight_set"]), ids: idsOf(fields["ids"]) },
        ]),
      ),
    ]),
  );
}

function weightSetsOf(json: unknown): number[][] {
  if (json === undefined) return [];
  if (!Array.isArray(json)) return refuse("weight_set is no list");
  return json.map((set: unknown) =>
    Array.isArray(set) ? set.map((weight) => Math.round(Number(weight) * 65536) >>> 0) : [],
  );
}

function idsOf(json: unknown): number[] {
  if (json === undefined) return [];
  return Array.isArray(json) ? json.map((id) => Number(id) | 0) : refuse("ids is no list");
}

/** Items must exist, choose_args must fit, and no bucket may contain itself. */
function checkTrees(map: CrushMap): void {
  const done = new Set<number>();
  const walk = (bucket: Bucket, above: ReadonlySet<number>) => {
    if (above.has(bucket.id)) refuse(`bucket ${bucket.name} contains itself`);
    if (done.has(bucket.id)) return;
    const inside = new Set(above).add(bucket.id);
    for (const { id } of bucket.items) {
      const child = map.buckets.get(id);
      if (child !== undefined) walk(child, inside);
      else if (id < 0 || id >= limits.crushDevices)
        refuse(`${bucket.name} holds unknown item ${id}`);
    }
    done.add(bucket.id);
  };
  for (const bucket of map.buckets.values()) walk(bucket, new Set());
  for (const args of map.chooseArgs.values())
    for (const [id, { weightSets, ids }] of args) {
      const size = map.buckets.get(id)?.items.length;
      const fits = (list: readonly number[]) => list.length === size;
      if (!weightSets.every(fits) || (ids.length > 0 && !fits(ids)))
        refuse(`choose_args of bucket ${id} do not fit it`);
    }
}
