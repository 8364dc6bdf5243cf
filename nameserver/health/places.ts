/** Into how many different places a pool can put the pieces of a block, and which those are. Pure. */
import type { DeviceId } from "../../base/ids.ts";
import type { ClusterMap, MappedDevice, Place } from "../../rpc/cluster-map.ts";
import { osdName } from "../../rpc/crush-map.ts";
import type { Placement } from "../../rpc/placement.ts";
import { type FailureDomain, type Pool, piecesOf } from "../../rpc/pool.ts";

/** What no two members of a block share: a device, or a place with the devices in it. */
export interface Unit {
  readonly name: string;
  readonly devices: readonly MappedDevice[];
}

export function unitsOf(map: ClusterMap, domain: FailureDomain, deviceClass?: string): Unit[] {
  const places = new Map(map.places.map((place) => [place.id, place]));
  const units = new Map<string, MappedDevice[]>();
  for (const device of map.devices) {
    if (!device.in || device.place === undefined || device.weight === 0) continue;
    if (deviceClass !== undefined && device.class !== deviceClass) continue;
    const name = unitNameOf(places, device, domain);
    if (name === undefined) continue;
    const unit = units.get(name);
    if (unit === undefined) units.set(name, [device]);
    else unit.push(device);
  }
  return [...units].map(([name, devices]) => ({ name, devices }));
}

/** Undefined where it stands in no such place: CRUSH does not find it there. */
function unitNameOf(
  places: ReadonlyMap<number, Place>,
  { place, number }: MappedDevice,
  domain: FailureDomain,
): string | undefined {
  if (domain === "osd") return osdName(number);
  let at = place === undefined ? undefined : places.get(place);
  while (at !== undefined && at.type !== domain)
    at = at.parent === undefined ? undefined : places.get(at.parent);
  return at && pathOf(places, at);
}

function pathOf(places: ReadonlyMap<number, Place>, place: Place): string {
  const above = place.parent === undefined ? undefined : places.get(place.parent);
  const isTop = above === undefined || above.type === "root";
  return isTop ? place.name : `${pathOf(places, above)}/${place.name}`;
}

/** Where each device stands, down to its host. */
export function standsAt(map: ClusterMap): ReadonlyMap<DeviceId, string> {
  const places = new Map(map.places.map((place) => [place.id, place]));
  return new Map(
    map.devices.map((device) => {
      const place = device.place === undefined ? undefined : places.get(device.place);
      return [device.device, place === undefined ? "nowhere" : pathOf(places, place)];
    }),
  );
}

export interface Spread {
  readonly units: readonly Unit[];
  readonly needed: number;
  /** Of its placement groups, those for which CRUSH finds fewer devices than the scheme has pieces. */
  readonly groupsWithHoles: number;
  /** By device: in how many positions of all placement groups it stands. */
  readonly positions: ReadonlyMap<DeviceId, number>;
}

const spreads = new WeakMap<Placement, Map<number, Spread>>();

/** Worked out once for each map. */
export function spreadOf(placement: Placement, pool: Pool): Spread {
  const known = spreads.get(placement) ?? new Map<number, Spread>();
  spreads.set(placement, known);
  let spread = known.get(pool.id);
  if (spread === undefined) {
    spread = spreadNow(placement, pool);
    known.set(pool.id, spread);
  }
  return spread;
}

function spreadNow(placement: Placement, pool: Pool): Spread {
  const positions = new Map<DeviceId, number>();
  let groupsWithHoles = 0;
  for (let pg = 0; pg < pool.pgNum; pg++) {
    let found = 0;
    for (const device of placement.devicesOfPg(pool, pg)) {
      if (device === undefined) continue;
      found++;
      positions.set(device, (positions.get(device) ?? 0) + 1);
    }
    if (found < piecesOf(pool.scheme)) groupsWithHoles++;
  }
  const units = unitsOf(placement.map, pool.failureDomain, pool.deviceClass);
  return { units, needed: piecesOf(pool.scheme), groupsWithHoles, positions };
}
