/**
 * Folders that were wiped, or that another disk is mounted at: a device is new where another was. The
 * entry of the old one stays in the map, since blocks name it, until it is removed.
 */
import type { ClusterMap, MappedDevice } from "./cluster-map.ts";

export interface ReplacedDevice {
  readonly old: MappedDevice;
  readonly now: MappedDevice;
}

/** Of several at one path only the newest is there. */
export function replacedDevices({ devices, dataservers }: ClusterMap): ReplacedDevice[] {
  const addresses = new Map(dataservers.map(({ server, address }) => [server, address]));
  const spots = Map.groupBy(devices, ({ server, path }) =>
    path === undefined ? undefined : `${addresses.get(server) ?? server} ${path}`,
  );
  return [...spots].flatMap(([spot, here]) => {
    const now = here.reduce((newest, one) => (one.number > newest.number ? one : newest));
    if (spot === undefined) return [];
    return here.filter((one) => one !== now).map((old) => ({ old, now }));
  });
}
