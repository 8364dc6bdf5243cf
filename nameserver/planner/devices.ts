/** What the planner knows of the devices: what the map wants of them, and what was heard. */
import type { DeviceId } from "../../base/ids.ts";
import type { DeviceStatus } from "../../rpc/block-service.ts";
import type { ClusterMap } from "../../rpc/cluster-map.ts";
import type { Stock } from "../stock/stock.ts";

export interface DeviceFacts {
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
    map.devices.map(({ device, server, in: isIn }) => [
      device,
      {
        state: heard.get(device) ?? "down",
        isIn,
        isHeard: stock.of(device) !== undefined,
        address: addresses.get(server) ?? "",
      },
    ]),
  );
}

/** Equal when nothing changed that a need could hang on, beside what blocks they hold. */
export function fingerprint(epoch: number, devices: Devices): string {
  const each = [...devices].map(([device, { state, isHeard }]) => `${device} ${state} ${isHeard}`);
  return `${epoch} ${each.sort().join()}`;
}
