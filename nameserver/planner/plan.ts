/** Which needs are seen to now: the most pressing first, as far as devices and the whole may be burdened. */
import type { BlockId, DeviceId } from "../../base/ids.ts";
import type { HealingKind } from "../../rpc/healing.ts";
import type { Need } from "./need.ts";

export interface Budget {
  /** In the whole cluster. */
  readonly atOnce: number;
  /** Made on one device, and read from one. */
  readonly asTarget: number;
  readonly asSource: number;
}

/** A block that lost redundancy comes before what only stands in the wrong place. */
const classOf: Readonly<Record<HealingKind, number>> = {
  seal: 0,
  rebuild: 0,
  switch: 0,
  reconcile: 1,
  retire: 2,
  move: 3,
  convert: 4,
};

/** The lower, the sooner. What is lost counts as the last that is left. */
export function urgencyOf({ kind, spare }: Pick<Need, "kind" | "spare">): number {
  return classOf[kind] * URGENCIES + Math.min(Math.max(spare, 0), URGENCIES - 1);
}

const URGENCIES = 16;

/** @param waiting By urgency; `mayRun`: whether one that failed has rested. */
export function plan(
  waiting: Iterable<Need>,
  budget: Budget,
  running: ReadonlyMap<BlockId, Need>,
  look: { readonly atMost: number; readonly mayRun: (need: Need) => boolean },
): Need[] {
  const targets = new Map<DeviceId, number>();
  const readers = new Map<DeviceId, number>();
  const burden = (need: Need) => {
    for (const one of need.targets) targets.set(one, (targets.get(one) ?? 0) + 1);
    for (const one of need.readers) readers.set(one, (readers.get(one) ?? 0) + 1);
  };
  for (const need of running.values()) burden(need);
  const planned: Need[] = [];
  let looked = 0;
  for (const need of waiting) {
    if (running.size + planned.length >= budget.atOnce || looked++ >= look.atMost) break;
    const isFree =
      need.targets.every((one) => (targets.get(one) ?? 0) < budget.asTarget) &&
      need.readers.every((one) => (readers.get(one) ?? 0) < budget.asSource);
    if (!isFree || running.has(need.block) || !look.mayRun(need)) continue;
    burden(need);
    planned.push(need);
  }
  return planned;
}
