/** What a run is to do, as its flags say. */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { ClientName } from "./measure.ts";
import { allWorkloads, type Workload, workloadOf } from "./workload.ts";

export interface PlanFlags {
  readonly workload: string;
  readonly concurrency?: string;
  readonly seconds: string;
  readonly warmUp: string;
  readonly repeats: string;
  readonly objects?: string;
  readonly client: ClientName;
}

/** How long and how often. */
export interface Pace {
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly repeats: number;
}

export interface Plan extends Pace {
  readonly workloads: readonly Workload[];
  /** Empty: as each workload has it. */
  readonly lanes: readonly number[];
  readonly objects: number | undefined;
  readonly client: ClientName;
}

export function paceFrom(flags: Pick<PlanFlags, "seconds" | "warmUp" | "repeats">): Pace {
  return {
    seconds: number("--seconds", flags.seconds, 0.1, limits.benchSeconds),
    warmUpSeconds: number("--warm-up", flags.warmUp, 0.1, limits.benchSeconds),
    repeats: number("--repeats", flags.repeats, 1, limits.benchRepeats),
  };
}

export function planFrom(flags: PlanFlags): Plan {
  const names = flags.workload === "all" ? allWorkloads : flags.workload;
  const counts = flags.concurrency?.split(",") ?? [];
  return {
    ...paceFrom(flags),
    workloads: names.split(",").map(workloadOf),
    lanes: counts.map((text) => number("--concurrency", text, 1, limits.benchLanes)),
    objects:
      flags.objects === undefined
        ? undefined
        : number("--objects", flags.objects, 1, limits.benchObjects),
    client: flags.client,
  };
}

function number(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  const isWhole = least < 1 || Number.isInteger(value);
  if (text === "" || !isWhole || !(value >= least && value <= most))
    throw new QuarryError(
      "InvalidArgument",
      `${flag} is a number from ${least} to ${most}, not ${text || "empty"}`,
    );
  return value;
}
