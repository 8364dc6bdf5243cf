/**
 * What the rows of the cluster say of each other: numbers and ids given once, blocks in the ranges of
 * their pools with a place for each piece, and how many blocks and storage classes each pool has.
 */
import type { BlockId } from "../../base/ids.ts";
import type { ClusterMap } from "../../rpc/cluster-map.ts";
import { filled } from "../../rpc/name-service.ts";
import { piecesOf, rangeOf } from "../../rpc/pool.ts";
import { blockOf } from "../block-of.ts";
import { keys } from "../keyspace.ts";
import { readMap } from "../queries/cluster-map.ts";
import { read } from "../queries/read.ts";
import type { BlockRow } from "../rows.ts";
import { blockRows } from "../workers/block-rows.ts";
import type { Audit } from "./audit-state.ts";

const FIRST_POOL = 0;

export async function auditCluster({ state, problem }: Audit): Promise<void> {
  const map = await readMap(state);
  checkNumbers(map, read(state, keys.map()), problem);
  const pools = new Set(map.pools.map(({ id }) => id));
  const ranges = new Map(map.ranges.map(({ range, pool }) => [range, pool]));
  const blocks = new Map<number, number>();
  for await (const { block, row } of blockRows(state)) {
    blocks.set(row.pool, (blocks.get(row.pool) ?? 0) + 1);
    if (!pools.has(row.pool)) problem(`block ${block} is of pool ${row.pool}, which is not there`);
    if ((ranges.get(rangeOf(block)) ?? FIRST_POOL) !== row.pool)
      problem(`block ${block} of pool ${row.pool} has an id of another pool`);
    checkMembers(block, row, problem);
  }
  for (const id of pools) {
    const row = read(state, keys.pool(id));
    if (row === undefined) continue;
    const small = map.storageClasses.filter((one) => one.small === id).length;
    const large = map.storageClasses.filter((one) => one.large === id).length;
    if (row.smallOf !== small || row.largeOf !== large)
      problem(`pool ${id} is not named by as many storage classes as it says`);
    if (small > 0 && row.scheme.k !== 1) problem(`small objects go to pool ${id}, which has k > 1`);
    if (id !== FIRST_POOL && row.blocks !== (blocks.get(id) ?? 0))
      problem(`pool ${id} has ${blocks.get(id) ?? 0} blocks and says ${row.blocks}`);
  }
  for (const { name, small, large } of map.storageClasses)
    if (!pools.has(small) || !pools.has(large))
      problem(`storage class ${name} names a pool that is not there`);
}

function checkMembers(block: BlockId, row: BlockRow, problem: Audit["problem"]): void {
  const { scheme, members } = blockOf(block, row);
  // Before there were schemes, a block had the members that it had.
  if (row.scheme === undefined) return;
  const isRight = members.length === piecesOf(scheme) && filled(members).length >= scheme.k;
  const isOnce = new Set(filled(members)).size === filled(members).length;
  if (!isRight || !isOnce) problem(`block ${block} has not the members that its scheme needs`);
}

function checkNumbers(
  { devices, places }: ClusterMap,
  row: { readonly nextDevice: number; readonly placeIds?: number } | undefined,
  problem: Audit["problem"],
): void {
  const { nextDevice = 0, placeIds = 0 } = row ?? {};
  const numbers = devices.map(({ number }) => number);
  if (new Set(numbers).size !== numbers.length || numbers.some((one) => one >= nextDevice))
    problem("two devices have one number, or one that was not given yet");
  const ids = places.flatMap(({ id, shadows }) => [id, ...Object.values(shadows)]);
  if (new Set(ids).size !== ids.length || ids.some((id) => id >= 0 || -id > placeIds))
    problem("two places have one id, or one that was not given yet");
  const known = new Set(places.map(({ id }) => id));
  for (const { device, place } of devices)
    if (place !== undefined && !known.has(place))
      problem(`device ${device} stands in a place that is not there`);
}
