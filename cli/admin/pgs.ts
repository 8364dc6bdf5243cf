/** `quarry admin pg`: where CRUSH puts the blocks of a pool, and where one block is. */
import { Command } from "commander";
import { QuarryError } from "../../base/errors.ts";
import type { BlockId, DeviceId } from "../../base/ids.ts";
import type { ClusterMap } from "../../rpc/cluster-map.ts";
import { osdName } from "../../rpc/crush-map.ts";
import { blockPg, placementOf } from "../../rpc/placement.ts";
import { type ClusterFlags, type ClusterView, table, withCluster } from "./cluster-view.ts";
import { findPool, withOutput } from "./pools.ts";

export function pgCommand(): Command {
  return new Command("pg")
    .description("placement groups: where CRUSH puts the blocks of a pool")
    .addCommand(
      withOutput(
        new Command("ls")
          .description("the devices of each placement group; `-` is a hole")
          .argument("[pool]", "name or number; all pools when absent"),
      ).action((wanted: string | undefined, flags: ClusterFlags) =>
        withCluster(flags, ({ map }) => list(map, wanted, flags.json === true)),
      ),
    )
    .addCommand(
      withOutput(
        new Command("show")
          .description("where a block is, and where it belongs")
          .argument("<block>", "its number, or 8 hexadecimal digits as in its file's name"),
      ).action((block: string, flags: ClusterFlags) =>
        withCluster(flags, (cluster) => show(cluster, parseBlock(block), flags.json === true)),
      ),
    );
}

function list(map: ClusterMap, wanted: string | undefined, isJson: boolean): void {
  const placement = placementOf(map);
  const pools = wanted === undefined ? map.pools : [findPool(map, wanted)];
  const all = pools.flatMap((pool) =>
    Array.from({ length: pool.pgNum }, (_, pg) => {
      return { pool: pool.id, pg, devices: placement.devicesOfPg(pool, pg) };
    }),
  );
  const nameOf = namesIn(map);
  if (isJson)
    for (const { pool, pg, devices } of all)
      console.log(JSON.stringify({ pool, pg, devices: devices.map((one) => one ?? null) }));
  else {
    const rows = all.map(({ pool, pg, devices }) => [
      `${pool}.${pg.toString(16)}`,
      devices.map(nameOf).join(" "),
    ]);
    console.log(table(["PG", "DEVICES"], rows));
  }
}

async function show({ names, map, stateOf }: ClusterView, block: BlockId, isJson: boolean) {
  const is = await names.locate(block);
  const placement = placementOf(map);
  const pool = placement.pool(is.pool);
  const belongs = placement.devicesOf(block, is.scheme);
  const pg = pool && blockPg(pool, block);
  if (isJson) {
    console.log(JSON.stringify({ ...is, pg, belongs: belongs.map((one) => one ?? null) }));
    return;
  }
  const { scheme, layout, generation, members } = is;
  const group =
    pg === undefined ? "no pool" : `${is.pool}.${pg.toString(16)} of pool ${pool?.name}`;
  console.log(
    `block ${block}, generation ${generation}: ${scheme.k}+${scheme.m}, ${layout}, placement group ${group}`,
  );
  const nameOf = namesIn(map);
  const stateText = (device: DeviceId | null) => {
    const mapped = map.devices.find((one) => one.device === device);
    return mapped === undefined ? "" : stateOf(mapped).state;
  };
  const rows = Array.from({ length: Math.max(members.length, belongs.length) }, (_, i) => {
    const member = members[i] ?? null;
    return [String(i), nameOf(member), stateText(member), nameOf(belongs[i])];
  });
  console.log(table(["PIECE", "IS ON", "STATE", "BELONGS ON"], rows));
}

function namesIn({ devices }: ClusterMap): (device: DeviceId | null | undefined) => string {
  const names = new Map(devices.map(({ device, number }) => [device, osdName(number)]));
  return (device) => (device ? (names.get(device) ?? device) : "-");
}

function parseBlock(text: string): BlockId {
  const number = /^[0-9a-f]{8}$/.test(text) ? Number.parseInt(text, 16) : Number(text);
  if (!Number.isInteger(number) || number < 0 || number > 0xffffffff)
    throw new QuarryError("InvalidArgument", `${text} is no number of a block`);
  return number as BlockId;
}
