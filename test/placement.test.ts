/** Placement of a cluster that commands made: Ceph's answers, and no more moves than CRUSH needs. */
import { expect, test } from "vitest";
import type { BlockId, DeviceId } from "../base/ids.ts";
import { NONE } from "../crush/map.ts";
import { placementSeed } from "../crush/pg.ts";
import { testLines } from "../crush/tester.ts";
import { compile } from "../crush/text/compile.ts";
import { decompile } from "../crush/text/decompile.ts";
import { printExactWeight } from "../crush/text/fixed-point.ts";
import type { ClusterMap } from "../rpc/cluster-map.ts";
import { reweightsOf } from "../rpc/crush-map.ts";
import { blockPg, Placement, placementOf } from "../rpc/placement.ts";
import type { Pool } from "../rpc/pool.ts";
import { ClusterState, deviceId, serverId } from "./metadata/cluster-state.ts";

const poolNamed = ({ pools }: ClusterMap, name: string): Pool => {
  const pool = pools.find((one) => one.name === name);
  if (pool === undefined) throw new Error(`no pool ${name}`);
  return pool;
};

/** All placements of a pool as the text map gives them through the tester, by device. */
function asCrushtoolSays(map: ClusterMap, pool: Pool): (DeviceId | undefined)[][] {
  const placement = new Placement(map);
  const text = compile(decompile(placement.crush, printExactWeight));
  const pg = placement.pgPool(pool);
  const reweights = new Map([...reweightsOf(map)].entries());
  const byNumber = new Map(map.devices.map(({ number, device }) => [number, device]));
  return Array.from({ length: pool.pgNum }, (_, i) => {
    const x = placementSeed(pg, i);
    const [line = ""] = testLines(text, {
      ...{ rules: { first: pg.ruleId, last: pg.ruleId }, replicas: pg.size, minX: x, maxX: x },
      ...{ reweights, show: new Set(["mappings"] as const) },
    });
    const numbers = (/\[(.*)\]/.exec(line)?.[1] ?? "").split(",").filter((text) => text !== "");
    const devices = numbers.map((number) =>
      Number(number) === NONE ? undefined : byNumber.get(Number(number)),
    );
    return Array.from({ length: pg.size }, (_, position) => devices[position]);
  });
}

const placementsOf = (map: ClusterMap, pool: Pool) =>
  Array.from({ length: pool.pgNum }, (_, pg) => [...placementOf(map).devicesOfPg(pool, pg)]);

async function cluster(hosts: number): Promise<ClusterState> {
  const state = new ClusterState();
  await state.registerHosts(0, hosts - 1);
  await state.pool("threefold", { scheme: { k: 1, m: 2 }, failureDomain: "host" });
  await state.pool("pieces", { scheme: { k: 4, m: 2 }, failureDomain: "host", pgNum: 64 });
  await state.pool("racks", { scheme: { k: 1, m: 1 }, failureDomain: "rack" });
  return state;
}

test("the map as Ceph's text gives the same devices, also with devices out, odd weights and classes", async () => {
  const state = await cluster(7);
  await state.register(20, { zone: "far", rack: "rack1", host: "host1" }, [
    [40, 33, "ssd"],
    [41, 1_234, "ssd"],
  ]);
  await state.register(21, { host: "lonely" }, [[42, 777, "ssd"]]);
  await state.pool("fast", { scheme: { k: 1, m: 1 }, deviceClass: "ssd" });
  await state.propose({ type: "changeDevice", device: deviceId(3), in: false });
  await state.propose({ type: "changeDevice", device: deviceId(5), weight: 12_345 });
  const map = await state.map();
  for (const pool of map.pools) expect(placementsOf(map, pool)).toEqual(asCrushtoolSays(map, pool));
  const used = new Set(placementsOf(map, poolNamed(map, "threefold")).flat());
  expect(used.has(deviceId(3))).toBe(false);
  const fast = new Set(placementsOf(map, poolNamed(map, "fast")).flat());
  expect([...fast].sort()).toEqual([40, 41, 42].map(deviceId));
});

test("members of a block share no failure domain, and holes are told", async () => {
  const state = await cluster(7);
  const map = await state.map();
  const hostOf = new Map(map.devices.map(({ device, place }) => [device, place]));
  for (const name of ["threefold", "pieces"])
    for (const devices of placementsOf(map, poolNamed(map, name)))
      expect(new Set(devices.map((device) => device && hostOf.get(device))).size).toBe(
        devices.length,
      );
  const few = await (await cluster(4)).map();
  for (const devices of placementsOf(few, poolNamed(few, "pieces")))
    expect(devices.filter((device) => device !== undefined)).toHaveLength(4);
});

test("a device or a host more keeps every id, and moves only what CRUSH must", async () => {
  const state = await cluster(7);
  const before = await state.map();
  await state.register(7, { rack: "rack3", host: "host7" }, [[14, 1_000, "ssd"]]);
  await state.register(0, { rack: "rack0", host: "host0" }, [
    [0, 900],
    [1, 1_800],
    [100, 1_000],
  ]);
  const after = await state.map();
  for (const place of before.places)
    expect(after.places.find(({ id }) => id === place.id)).toMatchObject({
      type: place.type,
      name: place.name,
    });
  for (const { device, number } of before.devices)
    expect(after.devices.find((one) => one.device === device)?.number).toBe(number);
  for (const name of ["threefold", "pieces"]) {
    const pool = poolNamed(before, name);
    const old = placementsOf(before, pool);
    const now = placementsOf(after, pool);
    const moved = old.flatMap((devices, pg) =>
      devices.filter((device) => !(now[pg] ?? []).includes(device)),
    );
    const total = old.flat().length;
    const weightOf = ({ devices }: ClusterMap) =>
      devices.reduce((sum, { weight }) => sum + weight, 0);
    const share = 1 - weightOf(before) / weightOf(after);
    // What must move is the share of the new ones; straw2 and the rule of hosts add some.
    expect(moved.length / total).toBeGreaterThan(share / 3);
    expect(moved.length / total).toBeLessThan(share * 2.5);
  }
});

test("a host that comes back elsewhere is another place, and the old one takes its number again", async () => {
  const state = await cluster(4);
  const before = await state.map();
  await state.register(3, { rack: "rack9", host: "host3" }, [
    [6, 1_011],
    [7, 1_800],
  ]);
  await state.register(3, { rack: "rack1", host: "host3" }, [
    [6, 1_011],
    [7, 1_800],
  ]);
  const after = await state.map();
  expect(after.devices).toEqual(before.devices);
  const pool = poolNamed(before, "threefold");
  expect(placementsOf(after, pool)).toEqual(placementsOf(before, pool));
  expect(serverId(3)).toBe(after.devices.find(({ number }) => number === 6)?.server);
});

test("blocks fall evenly into placement groups", () => {
  const counts = new Map<number, number>();
  for (let block = 1; block <= 65_536; block++) {
    const pg = blockPg({ pgNum: 128 }, block as BlockId);
    counts.set(pg, (counts.get(pg) ?? 0) + 1);
  }
  expect(counts.size).toBe(128);
  for (const count of counts.values()) expect(Math.abs(count - 512)).toBeLessThan(150);
});
