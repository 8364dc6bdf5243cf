/** `quarry crush whatif`: what a change would move, before making it. */
import { Command } from "commander";
import { QuarryError } from "../../base/errors.ts";
import { type CrushMap, NONE, WEIGHT_ONE } from "../../crush/map.ts";
import { compare, type Situation } from "../../crush/movement.ts";
import { apply, type Change } from "../../crush/plan.ts";
import { startingReweights } from "../../crush/tester.ts";
import { readMap, writeLines } from "./map-file.ts";
import {
  decimal,
  findRule,
  integer,
  mapArgument,
  overflowOption,
  readWeights,
  replicaCount,
  weightOption,
} from "./options.ts";
import { parseBytes } from "./sizes.ts";
import { whatifPicture } from "./whatif-picture.ts";
import { type WhatIf, whatifJson, whatifText } from "./whatif-report.ts";

interface Options {
  rule?: string;
  numRep: number;
  inputs: number;
  data?: string;
  weight?: string[];
  addHost?: string;
  devices: number;
  deviceWeight: number;
  class?: string;
  under?: string;
  remove?: string[];
  reweight?: string[];
  out?: string[];
  toRule?: string;
  failureDomain?: string;
  toNumRep?: number;
  to?: string;
  json?: true;
  svg?: string;
  cephOverflow?: true;
}

export function whatifCommand(): Command {
  return new Command("whatif")
    .description("print what a change of the map would move, against the least that has to")
    .argument("[map]", "text or JSON map, or - for standard input")
    .option("--rule <rule>", "name or number of the rule that places the data (the first one)")
    .option("--num-rep <n>", "replicas, or pieces of an erasure rule", replicaCount, 3)
    .option("--inputs <n>", "placement groups to place", integer, 16384)
    .option("--data <size>", "bytes stored on all devices, copies included (half of the capacity)")
    .addOption(weightOption())
    .optionsGroup("Changes, made in this order:")
    .option("--to <map>", "the map becomes that of another file")
    .option("--add-host <name>", "a host more, with:")
    .option("--devices <n>", "  its devices", integer, 10)
    .option("--device-weight <w>", "  the weight of each (1.0 = 1 TiB)", decimal, 1)
    .option("--class <class>", "  their device class")
    .option("--under <bucket>", "  where the host stands (beside most other hosts)")
    .option("--remove <name...>", "devices or buckets go")
    .option("--reweight <name-and-weight...>", "a device gets another weight")
    .option("--out <name...>", "devices, or all in a bucket, stay in the map but take no data")
    .option("--to-rule <rule>", "the data goes by another rule")
    .option("--failure-domain <type>", "the rule spreads over another type")
    .option("--to-num-rep <n>", "more or fewer replicas", replicaCount)
    .optionsGroup("Output:")
    .option("--json", "print JSON")
    .option("--svg <file>", "also draw a picture")
    .addOption(overflowOption())
    .action(async (given: string | undefined, options: Options, command: Command) => {
      const { reweights, rest } = readWeights(options.weight);
      const map = await readMap(mapArgument(command, given, rest));
      const result = await answer(map, reweights, options);
      await writeLines(options.json === true ? whatifJson(result) : whatifText(result));
      if (options.svg !== undefined) await writeLines(whatifPicture(result), options.svg);
    });
}

async function answer(
  map: CrushMap,
  reweights: ReadonlyMap<number, number>,
  options: Options,
): Promise<WhatIf> {
  const before: Situation = {
    map,
    rule: findRule(map, options.rule),
    replicas: options.numRep,
    reweights: startingReweights(map, reweights),
  };
  let after = before;
  const said: string[] = [];
  if (options.to !== undefined) {
    const next = await readMap(options.to);
    const rule = findRule(next, options.rule ?? before.rule.name ?? String(before.rule.id));
    after = { ...before, map: next, rule, reweights: startingReweights(next, reweights) };
    said.push(`the map becomes ${options.to}`);
  }
  for (const [text, change] of changes(after.map, options)) {
    after = apply(after, change);
    said.push(text);
  }
  if (said.length === 0)
    throw new QuarryError("InvalidArgument", "no change given; see quarry crush whatif --help");
  const overflow = options.cephOverflow === true ? "copy" : "refuse";
  return {
    changes: said,
    before,
    after,
    movement: compare(before, after, options.inputs, { overflow }),
    dataBytes: options.data === undefined ? capacityBytes(before) / 2 : parseBytes(options.data),
    capacityBytes: { before: capacityBytes(before), after: capacityBytes(after) },
  };
}

function* changes(map: CrushMap, options: Options): Generator<[string, Change]> {
  if (options.addHost !== undefined) {
    const { addHost: name, devices, deviceWeight, class: deviceClass, under } = options;
    const weight = Math.trunc(deviceWeight * WEIGHT_ONE);
    const change = { kind: "add-host", name, devices, weight, class: deviceClass, under } as const;
    yield [`add host ${name} with ${devices} devices of weight ${deviceWeight}`, change];
  }
  for (const name of options.remove ?? []) yield [`remove ${name}`, { kind: "remove", name }];
  const pairs = options.reweight ?? [];
  if (pairs.length % 2 === 1)
    throw new QuarryError("InvalidArgument", "--reweight needs names and weights in turn");
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i] ?? "";
    const weight = Math.trunc(decimal(pairs[i + 1] ?? "") * WEIGHT_ONE);
    yield [`reweight ${name} to ${pairs[i + 1]}`, { kind: "reweight", name, weight }];
  }
  for (const name of options.out ?? []) yield [`mark ${name} out`, { kind: "out", name }];
  if (options.toRule !== undefined)
    yield [`go by rule ${options.toRule}`, { kind: "rule", rule: findRule(map, options.toRule) }];
  if (options.failureDomain !== undefined) {
    const type = options.failureDomain;
    yield [`spread over ${type}s`, { kind: "failure-domain", type }];
  }
  if (options.toNumRep !== undefined)
    yield [`${options.toNumRep} replicas`, { kind: "replicas", count: options.toNumRep }];
}

/** Weight 1.0 is a tebibyte; what is out does not count. */
function capacityBytes({ map, reweights }: Situation): number {
  const weights = new Map<number, number>();
  for (const bucket of map.buckets.values())
    for (const { id, weight } of bucket.items)
      if (id >= 0 && id !== NONE && (reweights[id] ?? 0) > 0) weights.set(id, weight);
  return ([...weights.values()].reduce((sum, weight) => sum + weight, 0) / WEIGHT_ONE) * 2 ** 40;
}
