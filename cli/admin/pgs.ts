/** `quarry admin pg`: where CRUSH puts the blocks of a pool, and where one block is. */
import { Command } from "commander";
import { QuarryError } from "../../base/errors.ts";
import type { BlockId, DeviceId } from "../../base/ids.ts";
import type { ClusterMap } from "../../rpc/cluster-map.ts";
import { osdName } from "../../rpc/crush-map.ts";
import type { PlacementGroup } from "../../rpc/health.ts";
import { blockPg, placementOf } from "../../rpc/placement.ts";
import { type ClusterFlags, type ClusterView, table, withCluster } from "./cluster-view.ts";
import { findPool, withOutput } from "./pools.ts";

const PAGE = 1_000;

export function pgCommand(): Command {
  return new Command("pg")
    .description("placement groups: where CRUSH puts the blocks of a pool")
    .addCommand(
      withOutput(
        new Command("ls")
          .description("where the blocks of each placement group belong, and are; `-` is a hole")
          .argument("[pool]", "name or number; all pools when absent"),
      ).action((wanted: string | undefined, flags: ClusterFlags) =>
        withCluster(flags, (cluster) => list(cluster, wanted, flags.json === true)),
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

async function list({ names, map }: ClusterView, wanted: string | undefined, isJson: boolean) {
  const placement = placementOf(map);
  const pools = wanted === undefined ? map.pools : [findPool(map, wanted)];
  const nameOf = namesIn(map);
  const rows: string[][] = [];
  for (const pool of pools) {
    const used = await groupsOf(names, pool.id);
    for (let pg = 0; pg < pool.pgNum; pg++) {
      const devices = placement.devicesOfPg(pool, pg);
      const group = used.get(pg);
      const desired = devices.map((one) => one ?? null);
      if (isJson) console.log(JSON.stringify({ pool: pool.id, pg, devices: desired, ...group }));
      else
        rows.push([
          `${pool.id}.${pg.toString(16)}`,
          devices.map(nameOf).join(" "),
          group === undefined ? "" : group.acting.map(nameOf).join(" "),
          group === undefined ? "0" : String(group.blocks),
          group === undefined ? "" : `${group.level}${elsewhereText(group)}`,
        ]);
    }
  }
  if (!isJson) console.log(table(["PG", "BELONGS ON", "IS ON", "BLOCKS", "HEALTH"], rows));
}

const elsewhereText = ({ elsewhere }: PlacementGroup) =>
  elsewhere === 0 ? "" : `, ${elsewhere} on others`;

async function groupsOf(
  names: ClusterView["names"],
  pool: number,
): Promise<ReadonlyMap<number, PlacementGroup>> {
  const all = new Map<number, PlacementGroup>();
  for (let after = -1; ; ) {
    const page = await names.placementGroups(pool, after, PAGE);
    for (const group of page) all.set(group.pg, group);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return all;
    after = last.pg;
  }
}

async function show({ names, map, stateOf }: ClusterView, block: BlockId, isJson: boolean) {
  const [is, health] = await Promise.all([names.locate(block), names.blockHealth(block)]);
  const placement = placementOf(map);
  const pool = placement.pool(is.pool);
  const belongs = placement.devicesOf(block, is.scheme);
  const pg = pool && blockPg(pool, block);
  if (isJson) {
    console.log(JSON.stringify({ ...is, pg, belongs: belongs.map((one) => one ?? null), health }));
    return;
  }
  const { scheme, layout, generation, members } = is;
  const group =
    pg === undefined ? "no pool" : `${is.pool}.${pg.toString(16)} of pool ${pool?.name}`;
  console.log(
    `block ${block}, generation ${generation}: ${scheme.k}+${scheme.m}, ${layout}, placement group ${group}`,
  );
  const doing = health.doing === undefined ? "" : `; ${health.doing}`;
  console.log(`${health.level}: ${health.goodPieces} good pieces, ${scheme.k} needed${doing}`);
  const nameOf = namesIn(map);
  const stateText = (device: DeviceId | null) => {
    const mapped = map.devices.find((one) => one.device === device);
    return mapped === undefined ? "" : stateOf(mapped).state;
  };
  const troubleText = (piece: number) =>
    health.troubles
      .filter((one) => one.piece === piece)
      .map(({ why }) => why)
      .join(", ") || "good";
  const rows = Array.from({ length: Math.max(members.length, belongs.length) }, (_, i) => {
    const member = members[i] ?? null;
    return [String(i), nameOf(member), stateText(member), troubleText(i), nameOf(belongs[i])];
  });
  console.log(table(["PIECE", "IS ON", "STATE", "HEALTH", "BELONGS ON"], rows));
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
