/** What the planner knows of the devices: what the map wants of them, and what was heard. */
import type { DeviceId } from "../../base/ids.ts";
import type { DeviceStatus } from "../../rpc/block-service.ts";
import type { ClusterMap } from "../../rpc/cluster-map.ts";
import { osdName } from "../../rpc/crush-map.ts";
import type { Stock } from "../stock/stock.ts";

export interface DeviceFacts {
  /** As people call it: osd.3. */
  readonly name: string;
  readonly state: DeviceStatus["state"];
  /** Whether it is meant to hold data. */
  readonly isIn: boolean;
  /** What it holds is known to the end, as of this term. */
  readonly isHeard: boolean;
  /** host:port of its dataserver; empty: in this process. */
  readonly address: string;
}

/** A device that is not here is not in the map any more. */
export type Devices = ReadonlyMap<DeviceId, DeviceFacts>;

export function devicesOf(
  map: ClusterMap,
  states: readonly DeviceStatus[],
  stock: Pick<Stock, "of">,
): Devices {
  const addresses = new Map(map.dataservers.map(({ server, address }) => [server, address]));
  const heard = new Map(states.map(({ device, state }) => [device, state]));
  return new Map(
    map.devices.map(({ device, number, server, in: isIn }) => [
      device,
      {
        name: osdName(number),
        state: heard.get(device) ?? "down",
        isIn,
        isHeard: stock.of(device) !== undefined,
        address: addresses.get(server) ?? "",
      },
    ]),
  );
}

/** Those of which something is known that was not before, or is no more, beside what blocks they hold. */
export function changedDevices(before: Devices, now: Devices): DeviceId[] {
  const gone = [...before.keys()].filter((device) => !now.has(device));
  const others = [...now].filter(([device, facts]) => !isSame(facts, before.get(device)));
  return [...gone, ...others.map(([device]) => device)];
}

const isSame = (facts: DeviceFacts, before: DeviceFacts | undefined): boolean =>
  facts.state === before?.state &&
  facts.isIn === before.isIn &&
  facts.isHeard === before.isHeard &&
  facts.address === before.address;

/** Whether blocks that there were belong where they did: only then can few of them be looked at. */
export function isSamePlacement(before: ClusterMap, now: ClusterMap): boolean {
  if (before === now) return true;
  const drawn = ({ devices, places, pools }: ClusterMap) =>
    JSON.stringify([
      devices.map((one) => [one.device, one.number, one.in, one.weight, one.class, one.place]),
      ...[places, pools],
    ]);
  // A range that a pool takes has no blocks yet.
  const ranges = new Map(now.ranges.map(({ range, pool }) => [range, pool]));
  const isKept = before.ranges.every(({ range, pool }) => ranges.get(range) === pool);
  return isKept && drawn(before) === drawn(now);
}
