/**
 * How evenly CRUSH fills the devices, and what moves when some come: every placement group of the pool,
 * each with as many blocks as the others (nameserver/block-choice.ts sees to that).
 */
import type { ClusterMap } from "../../rpc/cluster-map.ts";
import { Placement } from "../../rpc/placement.ts";
import { Cluster, POOL } from "./cluster.ts";
import type { Setting } from "./setting.ts";

export interface Fill {
  readonly pgNum: number;
  /** Of what a device has on the average. */
  readonly min: number;
  readonly max: number;
  readonly deviation: number;
  /** How full the whole may get before the first device is full: 0 … 1. */
  readonly usable: number;
}

export interface Growth {
  readonly what: string;
  /** Of all pieces. */
  readonly moved: number;
  /** What the newcomers shall hold. */
  readonly ideal: number;
}

/** With the groups of the setting, and with fewer. */
export async function fills(setting: Setting): Promise<Fill[]> {
  const cluster = await Cluster.registered(setting);
  const map = await cluster.map();
  return [16, 4, 1].map((divisor) => fillOf(map, Math.max(1, setting.pgNum / divisor)));
}

function fillOf(map: ClusterMap, pgNum: number): Fill {
  const table = tableOf(map, pgNum);
  const held = new Map(map.devices.map(({ device }) => [device as string, 0]));
  for (const devices of table)
    for (const device of devices) held.set(device, (held.get(device) ?? 0) + 1);
  const counts = [...held.values()];
  const mean = counts.reduce((sum, one) => sum + one, 0) / counts.length;
  const squares = counts.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  const max = Math.max(...counts);
  return {
    ...{ pgNum, min: Math.min(...counts) / mean, max: max / mean },
    ...{ deviation: Math.sqrt(squares / counts.length) / mean, usable: mean / max },
  };
}

/** One host more, and one rack more. */
export async function growths(setting: Setting): Promise<Growth[]> {
  const { devices, racks, hostDevices } = setting;
  const hosts = Math.ceil(devices / hostDevices);
  const pgNum = Math.max(1, setting.pgNum / 4);
  const grown = async (what: string, stands: readonly number[]): Promise<Growth> => {
    const cluster = await Cluster.registered(setting);
    const before = tableOf(await cluster.map(), pgNum);
    for (const [n, rack] of stands.entries())
      for (let i = 0; i < hostDevices; i++) await cluster.register({ rack, host: hosts + n });
    const after = tableOf(await cluster.map(), pgNum);
    let [moved, all] = [0, 0];
    for (const [pg, wanted] of after.entries()) {
      const had = new Set(before[pg]);
      all += wanted.length;
      for (const device of wanted) if (!had.has(device)) moved++;
    }
    const added = stands.length * hostDevices;
    return { what, moved: moved / all, ideal: added / (devices + added) };
  };
  const rackHosts = Math.max(1, Math.round(hosts / racks));
  return [
    await grown("host added", [0]),
    await grown(
      "rack added",
      Array.from({ length: rackHosts }, () => racks),
    ),
  ];
}

/** The devices of each placement group. */
function tableOf(map: ClusterMap, pgNum: number): string[][] {
  const pools = map.pools.map((pool) => ({ ...pool, pgNum }));
  const placement = new Placement({ ...map, pools });
  const pool = placement.pool(POOL);
  if (pool === undefined) throw new TypeError("the pool is there");
  return Array.from({ length: pgNum }, (_, pg) =>
    placement.devicesOfPg(pool, pg).flatMap((one) => (one === undefined ? [] : [one as string])),
  );
}
