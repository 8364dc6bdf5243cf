/**
 * How much of each device is kept free, so that what the largest device, or the largest failure domain,
 * holds can be made anew elsewhere when it is lost. Where CRUSH would find no other place there is
 * nothing to keep room for. Pure.
 */
import type { DeviceId } from "../../base/ids.ts";
import type { MappedDevice } from "../../rpc/cluster-map.ts";
import type { Placement } from "../../rpc/placement.ts";
import { spreadOf, type Unit } from "./places.ts";

/** By device, then by pool: bytes of blocks that have pieces to spare. */
export type HealableBytes = ReadonlyMap<DeviceId, ReadonlyMap<number, number>>;

export interface RepairRoom {
  /** By device; those that keep none are absent. */
  readonly bytes: ReadonlyMap<DeviceId, number>;
}

export function repairRoomOf(placement: Placement, healable: HealableBytes): RepairRoom {
  const bytes = new Map<DeviceId, number>();
  for (const pool of placement.map.pools) {
    const { units, needed } = spreadOf(placement, pool);
    const held = (device: DeviceId) => healable.get(device)?.get(pool.id) ?? 0;
    const ofPool = new Map<DeviceId, number>();
    if (units.length > needed) keepForUnits(units, held, ofPool);
    else for (const unit of units) keepWithin(unit, held, ofPool);
    for (const [device, room] of ofPool) bytes.set(device, (bytes.get(device) ?? 0) + room);
  }
  return { bytes };
}

const sum = (devices: readonly MappedDevice[], of: (device: MappedDevice) => number) =>
  devices.reduce((all, device) => all + of(device), 0);

/** What a lost unit held comes to the devices of all others, by their weight. */
function keepForUnits(
  units: readonly Unit[],
  held: (device: DeviceId) => number,
  room: Map<DeviceId, number>,
): void {
  const allWeight = units.reduce((all, unit) => all + weightOf(unit), 0);
  // Bytes for each unit of weight, if it is this one that is lost.
  const shares = units.map((unit) => {
    const restWeight = allWeight - weightOf(unit);
    const lostBytes = sum(unit.devices, ({ device }) => held(device));
    return { unit, share: restWeight <= 0 ? 0 : lostBytes / restWeight };
  });
  const [first, second] = shares.toSorted((a, b) => b.share - a.share);
  for (const unit of units) {
    const worst = first?.unit === unit ? second : first;
    for (const { device, weight } of unit.devices) keep(room, device, (worst?.share ?? 0) * weight);
  }
}

/** There are no units to spare: what one device of a unit held can only come to its neighbours. */
function keepWithin(
  unit: Unit,
  held: (device: DeviceId) => number,
  room: Map<DeviceId, number>,
): void {
  const single = unit.devices.map((device) => ({ name: "", devices: [device] }));
  if (single.length > 1) keepForUnits(single, held, room);
}

const weightOf = ({ devices }: Unit): number => sum(devices, ({ weight }) => weight);

function keep(room: Map<DeviceId, number>, device: DeviceId, bytes: number): void {
  if (bytes > 0) room.set(device, Math.ceil(bytes));
}
