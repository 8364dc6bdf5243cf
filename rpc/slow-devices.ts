/**
 * Devices that are much slower than the others at the same thing. They serve what they have; new blocks
 * are opened elsewhere, as long as the others suffice.
 */
import type { DeviceId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { DevicePace, DeviceStatus } from "./block-service.ts";

export interface Slowness {
  readonly at: "appends" | "reads";
  readonly tookMs: number;
  /** The median of the others. */
  readonly usualMs: number;
}

/** Those among them that are slow; two others at least say what is usual. */
export function slowDevices(statuses: readonly DeviceStatus[]): Map<DeviceId, Slowness> {
  const slow = new Map<DeviceId, Slowness>();
  const up = statuses.filter(({ state }) => state !== "down");
  const look = (at: Slowness["at"], field: keyof DevicePace) => {
    const measured = up.flatMap(({ device, pace }) => {
      const tookMs = pace?.[field];
      return tookMs === undefined ? [] : [{ device, tookMs }];
    });
    for (const { device, tookMs } of measured) {
      const others = measured.filter((one) => one.device !== device).map((one) => one.tookMs);
      const usualMs = medianOf(others);
      if (usualMs === undefined || slow.has(device)) continue;
      if (tookMs >= Math.max(limits.slowLeastMs, limits.slowTimes * usualMs))
        slow.set(device, { at, tookMs, usualMs });
    }
  };
  look("appends", "appendMs");
  look("reads", "readMs");
  return slow;
}

function medianOf(values: readonly number[]): number | undefined {
  if (values.length < 2) return undefined;
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
