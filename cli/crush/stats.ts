/** `quarry crush stats`: how evenly a rule fills devices, and what failures cost. */
import { Command } from "commander";
import type { Situation } from "../../crush/movement.ts";
import { measureFill, simulateLoss } from "../../crush/statistics.ts";
import { startingReweights } from "../../crush/tester.ts";
import { readMap, writeLines } from "./map-file.ts";
import {
  findRule,
  integer,
  mapArgument,
  overflowOption,
  readWeights,
  replicaCount,
  weightOption,
} from "./options.ts";
import { printShare } from "./sizes.ts";

interface Options {
  rule?: string;
  numRep: number;
  inputs: number;
  failures: number;
  tolerated?: number;
  trials: number;
  seed: number;
  weight?: string[];
  json?: true;
  cephOverflow?: true;
}

export function statsCommand(): Command {
  return new Command("stats")
    .description("deviation of fill, and the probability that failures lose data (simulated)")
    .argument("[map]", "text or JSON map, or - for standard input")
    .option("--rule <rule>", "name or number (the first one)")
    .option("--num-rep <n>", "replicas, or pieces of an erasure rule", replicaCount, 3)
    .option("--inputs <n>", "placement groups to place", integer, 16384)
    .option("--failures <n>", "devices that fail at once", integer, 3)
    .option("--tolerated <n>", "lost replicas that lose nothing (all but one)", integer)
    .option("--trials <n>", "simulated failures", integer, 1000)
    .option("--seed <n>", "of the simulation", integer, 1)
    .addOption(weightOption())
    .option("--json", "print JSON")
    .addOption(overflowOption())
    .action(async (given: string | undefined, options: Options, command: Command) => {
      const { reweights, rest } = readWeights(options.weight);
      const map = await readMap(mapArgument(command, given, rest));
      const situation: Situation = {
        map,
        rule: findRule(map, options.rule),
        replicas: options.numRep,
        reweights: startingReweights(map, reweights),
      };
      await writeLines(report(situation, options));
    });
}

function report(situation: Situation, options: Options): string[] {
  const { inputs, failures, trials, seed } = options;
  const tolerated = options.tolerated ?? options.numRep - 1;
  const overflow = options.cephOverflow === true ? "copy" : "refuse";
  const fill = measureFill(situation, inputs, { overflow });
  const loss = simulateLoss(situation, inputs, { failures, tolerated, trials, seed }, { overflow });
  if (options.json === true)
    return [
      JSON.stringify({ fill, loss: { ...loss, failures, tolerated, trials, seed } }, null, 2),
    ];
  const { rule, replicas } = situation;
  return [
    `rule ${rule.name ?? rule.id}, ${replicas} replicas, ${inputs} placement groups`,
    "",
    `fill deviates by      ${printShare(fill.deviation)} of the ideal (chance alone: ${printShare(fill.expectedDeviation)})`,
    `emptiest device       ${printShare(fill.lowest)} of its ideal fill`,
    `fullest device        ${printShare(fill.highest)}`,
    `incomplete groups     ${fill.incomplete}`,
    "",
    `${failures} devices fail at once, ${tolerated} losses per group tolerated, ${trials} trials (seed ${seed}):`,
    `some data is lost in  ${printShare(loss.probability)} of the trials`,
    `lost on average       ${(100 * loss.lostShare).toPrecision(3)} % of all groups`,
  ];
}
