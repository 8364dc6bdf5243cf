/** Why no block can be opened, said so that somebody knows what to do. */
import { QuarryError } from "../base/errors.ts";
import type { DeviceStatus } from "../rpc/block-service.ts";

export function noRoom(devices: readonly DeviceStatus[]): QuarryError {
  if (devices.some(({ state }) => state === "full"))
    return new QuarryError("DiskFull", "every device is full: add one, or delete something");
  if (devices.every(({ state }) => state === "down"))
    return new QuarryError(
      "Unavailable",
      "no dataserver is up: start one, or see why they are down",
    );
  return new QuarryError("Unavailable", "no device takes a new block; see the log for the reasons");
}
