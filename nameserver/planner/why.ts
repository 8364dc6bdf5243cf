/** Why something cannot be healed now, said so that somebody knows what to do. */
import type { DeviceId } from "../../base/ids.ts";
import { piecesOf } from "../../rpc/pool.ts";
import { domainNames } from "../no-room.ts";
import type { DeviceFacts } from "./devices.ts";
import type { BlockView, Member } from "./view.ts";

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

export function fullReason(device: DeviceId, { state }: DeviceFacts): string {
  return state === "full"
    ? `no place to heal: device ${device}, where it belongs, is full: add room or another device`
    : `no place to heal: device ${device}, where it belongs, takes no writes: see the log of its dataserver`;
}

export const downReason = (device: DeviceId): string =>
  `device ${device}, where it belongs, is down: it is made there when that is back, or elsewhere when that is out`;

/** Another piece is there, of which its member is not sure. */
export function occupiedReason(
  { members }: BlockView,
  { position }: Member,
  to: DeviceId,
  piece: number,
): string {
  const { device = null, condition = "hole" } = members[piece] ?? {};
  const who = device === null ? "nobody" : `device ${device}, which is ${condition}`;
  return `device ${to}, where piece ${position} belongs, has piece ${piece}, and it is the turn of that first: its member is ${who}`;
}

/** It cannot be made anew from what is up. */
export function tooFewReason({ scheme, members, spare }: BlockView): string {
  const away = members.filter(({ condition }) => condition === "away" || condition === "lost");
  const names = away.map(({ device }) => device).join(", ");
  const missing = names === "" ? "" : `; it needs one of ${names}`;
  return `${spare + scheme.k} of ${scheme.k} pieces that are needed are up${missing}`;
}
