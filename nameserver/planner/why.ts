/** Why something cannot be healed now, said so that somebody knows what to do. */
import type { DeviceId } from "../../base/ids.ts";
import { piecesOf } from "../../rpc/pool.ts";
import { domainNames } from "../no-room.ts";
import type { DeviceFacts, Devices } from "./devices.ts";
import type { BlockView, Member } from "./view.ts";

/** What is in no map any more has no other name. */
const nameOf = (devices: Devices, device: DeviceId): string =>
  devices.get(device)?.name ?? `device ${device}`;

/** CRUSH has fewer places than the block has pieces. */
export function homelessReason({ pool, wanted, scheme }: BlockView, { condition }: Member): string {
  const what = condition === "hole" || condition === "lost" ? "heal" : "move to";
  if (pool === undefined) return `no place to ${what}: the pool is gone`;
  const found = wanted.filter((one) => one !== undefined).length;
  const missing = Math.max(1, piecesOf(scheme) - found);
  const [one, many] = domainNames[pool.failureDomain];
  const kind = pool.deviceClass === undefined ? "" : ` of class ${pool.deviceClass}`;
  const { k, m } = scheme;
  return `no place to ${what}: pool ${pool.name} (${k}+${m}) needs ${k + m} different ${many}${kind}, and CRUSH finds ${found}: add ${missing} ${missing === 1 ? one : many}`;
}

export function fullReason({ state, name }: DeviceFacts): string {
  return state === "full"
    ? `no place to heal: ${name}, where it belongs, is full: add room or another device`
    : `no place to heal: ${name}, where it belongs, takes no writes: see the log of its dataserver`;
}

export const downReason = (devices: Devices, device: DeviceId): string =>
  `${nameOf(devices, device)}, where it belongs, is down: it is made there when that is back, or elsewhere when that is out`;

/** Another piece is there, of which its member is not sure. */
export function occupiedReason(
  { members, devices }: BlockView,
  { position }: Member,
  to: DeviceId,
  piece: number,
): string {
  const { device = null, condition = "hole" } = members[piece] ?? {};
  const who = device === null ? "nobody" : `${nameOf(devices, device)}, which is ${condition}`;
  return `${nameOf(devices, to)}, where piece ${position} belongs, has piece ${piece}, and it is the turn of that first: its member is ${who}`;
}

/** It cannot be made anew from what is up. */
export function tooFewReason({ scheme, members, spare, devices }: BlockView): string {
  const away = members.filter(({ condition }) => condition === "away" || condition === "lost");
  const names = away.flatMap(({ device }) => (device === null ? [] : [nameOf(devices, device)]));
  const missing = names.length === 0 ? "" : `; it needs one of ${names.join(", ")}`;
  return `${spare + scheme.k} of ${scheme.k} pieces that are needed are up${missing}`;
}
