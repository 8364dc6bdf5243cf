/** What the crush commands have in common: reading numbers, rules, weights. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { CrushMap, Rule } from "../../crush/map.ts";
import { WEIGHT_ONE } from "../../crush/map.ts";
import { nearestFloat } from "../../crush/text/fixed-point.ts";

export function integer(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || text.trim() === "")
    throw new InvalidArgumentError("A whole number is needed.");
  return value;
}

export function replicaCount(text: string): number {
  const value = integer(text);
  if (value < 1 || value > limits.crushReplicas)
    throw new InvalidArgumentError(`1 to ${limits.crushReplicas} is possible.`);
  return value;
}

export function decimal(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0 || text.trim() === "")
    throw new InvalidArgumentError("A number from 0 up is needed.");
  return value;
}

/** The option that copies Ceph where it misreads large weights. */
export const overflowOption = () =>
  new Option(
    "--ceph-overflow",
    "do as Ceph with straw2 weights of 32768 and more (it reads them as negative) instead of refusing",
  );

/** `--weight OSD W`, repeatable. */
export const weightOption = () =>
  new Option(
    "-w, --weight <osd-and-weight...>",
    "mark a device partly or wholly out: its number and 0 … 1 (repeatable)",
  );

export interface Weights {
  /** 16.16 by device. */
  readonly reweights: ReadonlyMap<number, number>;
  /** What followed a pair and belongs to no further one: the map, if the option came first. */
  readonly rest: string | undefined;
}

/** Pairs of device and weight from {@link weightOption}. */
export function readWeights(values: readonly string[] = []): Weights {
  const reweights = new Map<number, number>();
  const pairs = Math.floor(values.length / 2);
  for (let i = 0; i < pairs; i++) {
    const device = integer(values[2 * i] ?? "");
    const weight = Math.trunc(Math.fround(nearestFloat(values[2 * i + 1] ?? "") * WEIGHT_ONE));
    if (Number.isNaN(weight) || device < 0)
      throw new QuarryError("InvalidArgument", "--weight needs a device number and 0 … 1");
    reweights.set(device, Math.min(WEIGHT_ONE, Math.max(0, weight)));
  }
  return { reweights, rest: values.length % 2 === 1 ? values.at(-1) : undefined };
}

/** A rule by name or number; without either the map's first. */
export function findRule(map: CrushMap, wanted: string | undefined): Rule {
  const rules = [...map.rules.values()];
  const rule =
    wanted === undefined
      ? rules[0]
      : rules.find((each) => each.name === wanted || String(each.id) === wanted);
  if (rule !== undefined) return rule;
  const known = rules.map(({ id, name }) => `${id} ${name ?? ""}`.trim()).join(", ");
  throw new QuarryError(
    "InvalidArgument",
    `the map has no rule ${wanted ?? ""}; it has: ${known || "none"}`,
  );
}

/** The map argument, wherever commander put it. */
export function mapArgument(command: Command, given: string | undefined, rest?: string): string {
  const path = given ?? rest;
  if (path === undefined) command.error("error: missing required argument 'map'");
  return path;
}
