import { describe, expect, test } from "vitest";
import type { DeviceId } from "../../base/ids.ts";
import type { DeviceStatus } from "../../rpc/block-service.ts";
import { type Placement, placementOf } from "../../rpc/placement.ts";
import type { Pool } from "../../rpc/pool.ts";
import { ClusterState, deviceId, GIBIBYTE } from "../../test/metadata/cluster-state.ts";
import { capacityOf } from "./capacity.ts";
import { unitsOf } from "./places.ts";
import { type HealableBytes, repairRoomOf } from "./repair-room.ts";

const GIB = GIBIBYTE;

/** `devices` of so many GiB on each host. */
async function placed(hosts: number[][], pool: Partial<Pool>): Promise<Placement> {
  const state = new ClusterState();
  let number = 0;
  for (const [host, sizes] of hosts.entries())
    await state.register(
      ...[host, { rack: `rack${host >> 1}`, host: `host${host}` }],
      sizes.map((gibibytes) => [number++, gibibytes] as const),
    );
  await state.pool("some", { failureDomain: "host", pgNum: 256, ...pool });
  return placementOf(await state.map());
}

/** So many GiB of pool 1 on each device. */
const healable = (...gibibytes: number[]): HealableBytes =>
  new Map(gibibytes.map((each, n) => [deviceId(n), new Map([[1, each * GIB]])]));

const room = (placement: Placement, held: HealableBytes) => {
  const { bytes } = repairRoomOf(placement, held);
  return placement.map.devices.map(({ device }) => Math.round((bytes.get(device) ?? 0) / GIB));
};

describe("room for a repair", () => {
  test("is what the largest host held, shared among the others by weight", async () => {
    const placement = await placed([[100], [100], [100], [200]], { scheme: { k: 1, m: 2 } });
    // host3 is the worst for the others (40 GiB over 300); for host3 it is a host of 20 (over 400).
    expect(room(placement, healable(20, 20, 20, 40))).toEqual([13, 13, 13, 10]);
  });

  test("is none where there is no place for what is lost", async () => {
    const placement = await placed([[100], [100], [100]], { scheme: { k: 1, m: 2 } });
    expect(room(placement, healable(50, 50, 50))).toEqual([0, 0, 0]);
  });

  test("is kept for a device by its neighbours, where hosts are too few to lose one", async () => {
    const two = [100, 100];
    const placement = await placed([two, two, two], { scheme: { k: 1, m: 2 } });
    expect(room(placement, healable(30, 10, 20, 20, 0, 5))).toEqual([10, 30, 20, 20, 5, 0]);
  });

  test("is kept over devices, where they are what no two pieces share", async () => {
    const placement = await placed([[100, 100, 100]], {
      ...{ scheme: { k: 1, m: 1 }, failureDomain: "osd" },
    });
    expect(room(placement, healable(40, 10, 10))).toEqual([5, 20, 20]);
  });

  test("is not kept by devices that are out, or of another class", async () => {
    const placement = await placed([[100], [100]], { scheme: { k: 1, m: 0 } });
    expect(unitsOf(placement.map, "host", "ssd")).toEqual([]);
    expect(unitsOf(placement.map, "rack").map(({ name }) => name)).toEqual(["rack0"]);
  });
});

function look(placement: Placement, free: number[], change: Partial<DeviceStatus>[] = []) {
  const states = placement.map.devices.map(
    ({ device }, n): DeviceStatus => ({
      ...{ device, path: "", totalBytes: 100 * GIB, freeBytes: (free[n] ?? 0) * GIB, state: "ok" },
      ...change[n],
    }),
  );
  const uses = new Map();
  const capacity = capacityOf({
    ...{ nowMs: 1, placement, states, uses, repairRoom: undefined, reserveBytes: 0 },
  });
  const pool = capacity.pools.find((one) => one.pool === 1);
  return { capacity, pool, usable: (pool?.usableBytes ?? 0) / GIB };
}

describe("usable bytes", () => {
  test("of equal devices are about their free bytes by the overhead, never more", async () => {
    const equal = Array.from({ length: 8 }, () => [100]);
    for (const scheme of [
      { k: 1, m: 2 },
      { k: 4, m: 2 },
      { k: 1, m: 0 },
    ]) {
      const placement = await placed(equal, { scheme });
      const { usable, pool } = look(placement, Array<number>(8).fill(100));
      const most = (800 * scheme.k) / (scheme.k + scheme.m);
      expect(usable).toBeLessThanOrEqual(most);
      expect(usable).toBeGreaterThan(most * 0.8);
      expect(pool).toMatchObject({ overhead: (scheme.k + scheme.m) / scheme.k, places: 8 });
    }
  });

  test("end with the device that is full first, which is named with its place", async () => {
    const placement = await placed([[100], [100], [100], [100]], { scheme: { k: 1, m: 2 } });
    const { usable, pool } = look(placement, [100, 10, 100, 100]);
    expect(pool?.bottleneck).toMatchObject({ number: 1, place: "rack0/host1" });
    expect(usable).toBeLessThan(15);
  });

  test("are of the groups that take blocks while a device is down", async () => {
    const placement = await placed([[100], [100], [100], [100]], { scheme: { k: 1, m: 2 } });
    const { usable, capacity } = look(placement, [100, 100, 100, 100], [{ state: "down" }]);
    expect(usable).toBeGreaterThan(90);
    expect(capacity.devices.map(({ takes }) => takes)).toEqual([false, true, true, true]);
    expect(capacity.totalBytes).toBe(300 * GIB);
  });

  test("are none where too few places are", async () => {
    const placement = await placed([[100]], { scheme: { k: 1, m: 2 } });
    expect(look(placement, [100]).pool).toMatchObject({
      usableBytes: 0,
      places: 1,
      placesNeeded: 3,
    });
  });

  test("leave the room that a repair needs", async () => {
    const placement = await placed([[100], [100]], { scheme: { k: 1, m: 0 } });
    const states = placement.map.devices.map(
      ({ device }): DeviceStatus => ({
        ...{ device, path: "", totalBytes: 100 * GIB, freeBytes: 30 * GIB, state: "ok" },
      }),
    );
    const bytes = new Map<DeviceId, number>([[deviceId(0), 30 * GIB]]);
    const { devices, repairBytes } = capacityOf({
      ...{ nowMs: 1, placement, states, uses: new Map(), repairRoom: { bytes }, reserveBytes: 0 },
    });
    expect(devices.map(({ takes }) => takes)).toEqual([false, true]);
    expect(repairBytes).toBe(30 * GIB);
  });
});
