/** How much is under way at the same time, and how fast each of it goes, as the settings say. */
import { limits } from "../../base/limits.ts";
import type { HealingSettings } from "../../rpc/healing.ts";
import type { Budget } from "./plan.ts";

/** @param devices How many there are: what one of them is burdened with stays the same. */
export function budgetOf({ bytesPerSecond }: HealingSettings, devices: number): Budget {
  const share = Math.floor(devices / limits.healingDevicesEach);
  const most = Math.min(limits.healingAtOnceMost, Math.max(limits.healingAtOnce, share));
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
