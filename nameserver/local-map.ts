/**
 * The map of a store whose devices are not registered yet, though they are in its own process: all of
 * them, on one host. They are known by the order of their ids.
 */
import type { ServerId } from "../base/ids.ts";
import type { DeviceStatus } from "../rpc/block-service.ts";
import type { ClusterMap } from "../rpc/cluster-map.ts";

const ROOT = { id: -1, type: "root", name: "default", shadows: {} } as const;
const HOST = { id: -2, parent: -1, type: "host", name: "local", shadows: {} } as const;
const WEIGHT = 65_536;
const NOBODY = "" as ServerId;

export class LocalMap {
  #made:
    | { readonly of: ClusterMap; readonly devices: string; readonly map: ClusterMap }
    | undefined;

  /** The map itself, when devices were registered. The same devices give the same map. */
  of(map: ClusterMap, statuses: readonly DeviceStatus[]): ClusterMap {
    if (map.devices.length > 0 || statuses.length === 0) return map;
    const ids = statuses.map(({ device }) => device).sort();
    const devices = ids.join();
    if (this.#made?.of === map && this.#made.devices === devices) return this.#made.map;
    const made: ClusterMap = {
      ...map,
      places: [ROOT, HOST],
      devices: ids.map((device, number) => {
        const placed = { server: NOBODY, place: HOST.id, in: true };
        return { device, number, ...placed, capacityBytes: 0, weight: WEIGHT };
      }),
    };
    this.#made = { of: map, devices, map: made };
    return made;
  }
}
