/**
 * How much can still be stored: for each pool as much as goes in before the first of its devices is
 * full, by the share of its placement groups that CRUSH gives to each. Pure.
 */
import type { DeviceId } from "../../base/ids.ts";
import type { DeviceStatus } from "../../rpc/block-service.ts";
import type { Capacity, DeviceCapacity, PoolCapacity } from "../../rpc/health.ts";
import { filled } from "../../rpc/name-service.ts";
import type { Placement } from "../../rpc/placement.ts";
import { type Pool, piecesOf } from "../../rpc/pool.ts";
import { candidatesOf } from "../block-choice.ts";
import { type Spread, spreadOf } from "./places.ts";
import type { RepairRoom } from "./repair-room.ts";
import type { PoolUse } from "./tally.ts";

export interface CapacityInput {
  readonly nowMs: number;
  readonly placement: Placement;
  readonly states: readonly DeviceStatus[];
  readonly uses: ReadonlyMap<number, PoolUse>;
  /** Undefined: no room is kept. */
  readonly repairRoom: RepairRoom | undefined;
  /** Each device refuses appends before less than this is free. */
  readonly reserveBytes: number;
}

export function capacityOf(input: CapacityInput): Capacity {
  const { placement, states, repairRoom, nowMs } = input;
  const devices = devicesOf(input);
  const free = new Map(devices.map((one) => [one.device, roomOf(one, input.reserveBytes)]));
  const up = states.filter(({ state }) => state !== "down");
  const total = (of: (one: DeviceCapacity) => number) =>
    devices.reduce((all, one) => all + of(one), 0);
  return {
    asOfMs: nowMs,
    totalBytes: up.reduce((all, { totalBytes }) => all + totalBytes, 0),
    freeBytes: up.reduce((all, { freeBytes }) => all + freeBytes, 0),
    repairBytes: total(({ repairBytes }) => repairBytes),
    keepsRepairRoom: repairRoom !== undefined,
    pools: placement.map.pools.map((pool) => poolOf(input, pool, free)),
    devices,
  };
}

function devicesOf({ placement, states, repairRoom, reserveBytes }: CapacityInput) {
  const byId = new Map(states.map((one) => [one.device, one]));
  return placement.map.devices.map(({ device, number, in: isIn }): DeviceCapacity => {
    const { totalBytes = 0, freeBytes = 0, state = "down" } = byId.get(device) ?? {};
    const repairBytes = isIn ? Math.min(repairRoom?.bytes.get(device) ?? 0, freeBytes) : 0;
    const room = freeBytes - repairBytes - reserveBytes;
    return {
      ...{ device, number, totalBytes, freeBytes, repairBytes },
      takes: state === "ok" && isIn && room > 0,
    };
  });
}

/** What new blocks may take of a device. One that is down takes nothing now. */
function roomOf({ takes, freeBytes, repairBytes }: DeviceCapacity, reserveBytes: number): number {
  return takes ? freeBytes - repairBytes - reserveBytes : 0;
}

function poolOf(
  { placement, uses }: CapacityInput,
  pool: Pool,
  free: ReadonlyMap<DeviceId, number>,
): PoolCapacity {
  const spread = spreadOf(placement, pool);
  const { blocks = 0, usedBytes = 0, storedBytes = 0 } = uses.get(pool.id) ?? {};
  const { scheme, name, failureDomain } = pool;
  const least = fullFirst(placement, pool, free);
  const bottleneck = least && bottleneckOf(placement, spread, least.device);
  return {
    ...{ pool: pool.id, name, scheme, failureDomain, blocks, usedBytes, storedBytes },
    usableBytes: Math.floor(least?.usableBytes ?? 0),
    overhead: piecesOf(scheme) / scheme.k,
    ...(bottleneck && { bottleneck }),
    places: spread.units.length,
    placesNeeded: spread.needed,
  };
}

/**
 * The device that ends first when data comes to the pool, and how much has come by then. Data come to
 * the placement groups that take blocks now.
 */
function fullFirst(
  placement: Placement,
  pool: Pool,
  free: ReadonlyMap<DeviceId, number>,
): { readonly device: DeviceId; readonly usableBytes: number } | undefined {
  const takes = new Set([...free].flatMap(([device, bytes]) => (bytes > 0 ? [device] : [])));
  const groups = candidatesOf(placement, pool, takes);
  const positions = new Map<DeviceId, number>();
  for (const { members } of groups)
    for (const device of filled(members)) positions.set(device, (positions.get(device) ?? 0) + 1);
  let least: { readonly device: DeviceId; readonly usableBytes: number } | undefined;
  for (const [device, count] of positions) {
    const usableBytes = ((free.get(device) ?? 0) * pool.scheme.k * groups.length) / count;
    if (least === undefined || usableBytes < least.usableBytes) least = { device, usableBytes };
  }
  return least;
}

function bottleneckOf({ map }: Placement, { units }: Spread, device: DeviceId) {
  const number = map.devices.find((one) => one.device === device)?.number ?? -1;
  const holds = ({ devices }: Spread["units"][number]) =>
    devices.some((one) => one.device === device);
  return { device, number, place: units.find(holds)?.name ?? "" };
}
