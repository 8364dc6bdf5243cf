/**
 * Who is down for long is put out, so that what it had is made anew elsewhere, and in again when it is
 * back. Never so many that less than half is left of those that a person wants in: then it is rather this
 * nameserver that is cut off.
 */
import type { DeviceId } from "../../base/ids.ts";
import type { DeviceStatus } from "../../rpc/block-service.ts";
import type { ClusterMap, MappedDevice } from "../../rpc/cluster-map.ts";

export interface InOut {
  readonly device: DeviceId;
  readonly in: boolean;
}

export const inOutWords = ({ device, in: isIn }: InOut, outAfterMs: number): string =>
  isIn
    ? `device ${device} is back, and in again`
    : `device ${device} is out: it was down for ${Math.round(outAfterMs / 1000)} s; what it held is made anew elsewhere`;

const takesNoWrites = (state: DeviceStatus["state"]) => state === "down" || state === "failed";

export class Outs {
  /** Since when each is down or failed, by the monotonic clock. */
  readonly #since = new Map<DeviceId, number>();

  /** A new leader counts anew, but for what it heard as a follower. */
  clear(): void {
    this.#since.clear();
  }

  /**
   * @param look.outAfterMs 0: nobody is put out.
   * @param look.awakeMs since when this process did not stand still: time before does not count.
   */
  changes(
    map: ClusterMap,
    states: readonly DeviceStatus[],
    look: {
      readonly nowMs: number;
      readonly outAfterMs: number;
      readonly awakeMs: number;
      readonly heardMs: (device: DeviceId) => number | undefined;
    },
  ): InOut[] {
    const { nowMs, outAfterMs, awakeMs, heardMs } = look;
    const stateOf = new Map(states.map(({ device, state }) => [device, state]));
    const unsteady = new Set(
      states.filter(({ unsteadyMs = 0 }) => unsteadyMs > 0).map(({ device }) => device),
    );
    const changes: InOut[] = [];
    const meant = map.devices.filter((one) => one.in || one.outBy === "planner").length;
    let left = map.devices.filter((one) => one.in).length;
    for (const mapped of map.devices) {
      const { device } = mapped;
      const state = stateOf.get(device) ?? "down";
      if (!takesNoWrites(state)) {
        this.#since.delete(device);
        const isSteady = !unsteady.has(device);
        if (mapped.outBy === "planner" && isSteady) changes.push({ device, in: true });
        continue;
      }
      const since = this.#sinceOf(mapped, state === "down" ? heardMs(device) : undefined, nowMs);
      const isDue = outAfterMs > 0 && nowMs - Math.max(since, awakeMs) >= outAfterMs;
      if (!mapped.in || !isDue || (left - 1) * 2 < meant) continue;
      left--;
      changes.push({ device, in: false });
    }
    return changes;
  }

  #sinceOf({ device }: MappedDevice, heardMs: number | undefined, nowMs: number): number {
    const since = this.#since.get(device) ?? heardMs ?? nowMs;
    this.#since.set(device, since);
    return since;
  }
}
