/** How much is under way at the same time, and how fast each of it goes, as the settings say. */
import { limits } from "../../base/limits.ts";
import type { HealingSettings } from "../../rpc/healing.ts";
import type { Budget } from "./plan.ts";

export function budgetOf({ bytesPerSecond }: HealingSettings): Budget {
  const most = limits.healingAtOnce;
  const slow = Math.floor((bytesPerSecond ?? Number.POSITIVE_INFINITY) / limits.healingLeastPace);
  return {
    atOnce: Math.min(most, Math.max(1, slow)),
    asTarget: limits.healingAsTarget,
    asSource: limits.healingAsSource,
  };
}

/** Each of those that may run at the same time has its share. */
export function paceOf(
  { bytesPerSecond }: HealingSettings,
  { atOnce }: Budget,
): number | undefined {
  return bytesPerSecond === undefined
    ? undefined
    : Math.max(1, Math.floor(bytesPerSecond / atOnce));
}
