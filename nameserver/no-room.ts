/** Why no block can be opened, said so that somebody knows what to do. */
import { QuarryError } from "../base/errors.ts";
import type { DeviceId } from "../base/ids.ts";
import type { Placement } from "../rpc/placement.ts";
import { type Pool, piecesOf } from "../rpc/pool.ts";
import { candidatesOf, mostMembers } from "./block-choice.ts";
import type { TakingStatus } from "./repair-full.ts";

export const domainNames = {
  osd: ["device", "devices"],
  host: ["host", "hosts"],
  rack: ["rack", "racks"],
  zone: ["zone", "zones"],
  region: ["region", "regions"],
} as const;

/** Why no block of a pool can be opened, and what would help. */
export function noRoom(
  placement: Placement,
  pool: Pool,
  devices: readonly TakingStatus[],
): QuarryError {
  const takes = new Set(devices.filter(({ state }) => state === "ok").map(({ device }) => device));
  const kept = devices.filter(({ keptBytes }) => keptBytes !== undefined);
  if (kept.length > 0 && takesWith(placement, pool, [...takes, ...kept.map((one) => one.device)]))
    return new QuarryError("DiskFull", keptMessage(pool, kept));
  if (takes.size === 0 && devices.some(({ state }) => state === "full"))
    return new QuarryError("DiskFull", "every device is full: add one, or delete something");
  if (takes.size === 0 && devices.every(({ state }) => state === "down"))
    return new QuarryError(
      "Unavailable",
      "no dataserver is up: start one, or see why they are down",
    );
  const found = mostMembers(candidatesOf(placement, { ...pool, minMembers: 0 }, takes));
  const missing = pool.minMembers - found;
  if (missing <= 0)
    return new QuarryError(
      "Unavailable",
      "no device takes a new block; see the log for the reasons",
    );
  const [one, many] = domainNames[pool.failureDomain];
  const kind = pool.deviceClass === undefined ? "" : ` of class ${pool.deviceClass}`;
  const { k, m } = pool.scheme;
  return new QuarryError(
    devices.some(({ state }) => state === "full") ? "DiskFull" : "Unavailable",
    `pool ${pool.name} (${k}+${m}) writes to at least ${pool.minMembers} of ${piecesOf(pool.scheme)} different ${many}, and ${found} can take blocks: ${missing} ${missing === 1 ? one : many}${kind} that ${missing === 1 ? "is" : "are"} up and not full ${missing === 1 ? "is" : "are"} missing`,
  );
}

function takesWith(placement: Placement, pool: Pool, devices: readonly DeviceId[]): boolean {
  return candidatesOf(placement, pool, new Set(devices)).length > 0;
}

/** The last room is for what a lost device held. */
function keptMessage({ name }: Pool, kept: readonly TakingStatus[]): string {
  const devices = kept.length === 1 ? "1 device" : `${kept.length} devices`;
  return `pool ${name} takes nothing new: what is free on ${devices} is kept so that the loss of the largest device or place can be repaired; add devices, delete something, or give that room up with \`quarry admin heal limit --repair-room off\``;
}
