/** `quarry crush test`: what `crushtool --test` prints, letter by letter. */
import { Command } from "commander";
import { type Show, testLines } from "../../crush/tester.ts";
import { readMap, writeLines } from "./map-file.ts";
import {
  integer,
  mapArgument,
  overflowOption,
  readWeights,
  replicaCount,
  weightOption,
} from "./options.ts";

interface Options {
  rule?: number;
  minRule?: number;
  maxRule?: number;
  numRep?: number;
  x?: number;
  minX?: number;
  maxX?: number;
  poolId?: number;
  weight?: string[];
  showMappings?: true;
  showBadMappings?: true;
  showStatistics?: true;
  showUtilization?: true;
  showUtilizationAll?: true;
  cephOverflow?: true;
}

export function testCommand(): Command {
  return new Command("test")
    .description("map a range of inputs and report as `crushtool --test` does")
    .argument("[map]", "text or JSON map, or - for standard input")
    .option("--rule <id>", "test this rule only", integer)
    .option("--min-rule <id>", "test rules from this one", integer)
    .option("--max-rule <id>", "test rules up to this one", integer)
    .option("--num-rep <n>", "how many replicas; otherwise all sizes of the rule", replicaCount)
    .option("--x <x>", "test this input only", integer)
    .option("--min-x <x>", "first input (0)", integer)
    .option("--max-x <x>", "last input (1023)", integer)
    .option("--pool-id <id>", "mix a pool's id into every input", integer)
    .addOption(weightOption())
    .option("--show-mappings", "every input and its devices")
    .option("--show-bad-mappings", "inputs that did not get all their devices")
    .option("--show-statistics", "how many inputs got how many devices")
    .option("--show-utilization", "what each device got")
    .option("--show-utilization-all", "with --show-statistics: empty devices, too")
    .addOption(overflowOption())
    .action(async (given: string | undefined, options: Options, command: Command) => {
      const { reweights, rest } = readWeights(options.weight);
      const map = await readMap(mapArgument(command, given, rest));
      const show = shown(options);
      if (show.size === 0) console.error("nothing to show: add --show-mappings or another --show…");
      const rules = ruleRange(options);
      const { minX, maxX } = inputRange(options);
      await writeLines(
        testLines(map, {
          ...(rules === undefined ? {} : { rules }),
          ...(options.numRep === undefined ? {} : { replicas: options.numRep }),
          ...(options.poolId === undefined ? {} : { poolId: options.poolId }),
          minX,
          maxX,
          reweights,
          show,
          overflow: options.cephOverflow === true ? "copy" : "refuse",
        }),
      );
    });
}

function shown(options: Options): Set<Show> {
  const show = new Set<Show>();
  if (options.showMappings === true) show.add("mappings");
  if (options.showBadMappings === true) show.add("bad-mappings");
  if (options.showStatistics === true) show.add("statistics");
  if (options.showUtilization === true) show.add("utilization");
  if (options.showUtilizationAll === true) show.add("utilization-all");
  return show;
}

/** As crushtool: half a range is none. */
function ruleRange({ rule, minRule, maxRule }: Options) {
  const first = rule ?? minRule ?? -1;
  const last = rule ?? maxRule ?? -1;
  return first < 0 || last < 0 ? undefined : { first, last };
}

function inputRange({ x, minX, maxX }: Options) {
  const first = x ?? minX ?? -1;
  const last = x ?? maxX ?? -1;
  return first < 0 || last < 0 ? { minX: 0, maxX: 1023 } : { minX: first, maxX: last };
}
