/** Devices whose free room is kept for a repair take no new blocks, as if they were full. */
import type { DeviceId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { DeviceStatus } from "../rpc/block-service.ts";

export interface TakingStatus extends DeviceStatus {
  /** It is full because so many of its free bytes are kept. */
  readonly keptBytes?: number;
}

/** @param keptBytes By device; undefined: no room is kept. */
export function withoutRepairRoom(
  devices: readonly DeviceStatus[],
  keptBytes: ReadonlyMap<DeviceId, number> | undefined,
): readonly TakingStatus[] {
  if (keptBytes === undefined || keptBytes.size === 0) return devices;
  return devices.map((status) => {
    const kept = keptBytes.get(status.device) ?? 0;
    const isLeft = status.freeBytes - kept > limits.deviceReserveBytes;
    if (status.state !== "ok" || kept === 0 || isLeft) return status;
    return { ...status, state: "full", keptBytes: kept };
  });
}
