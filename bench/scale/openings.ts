/** What it costs a leader to open one more block: to choose its placement group, and to find an id for it. */
import type { BlockId } from "../../base/ids.ts";
import { candidatesOf, choose, loadOf, wantedBlocks } from "../../nameserver/block-choice.ts";
import { BlockIds } from "../../nameserver/block-ids.ts";
import { type Placement, placementOf } from "../../rpc/placement.ts";
import { type Pool, RANGE_BLOCKS } from "../../rpc/pool.ts";
import { Cluster, POOL } from "./cluster.ts";
import type { Setting } from "./setting.ts";

export interface Opening {
  /** Blocks that there are. */
  readonly blocks: number;
  readonly chooseMs: number;
  readonly idMs: number;
  /** Rows that are read to find the id. */
  readonly idReads: number;
}

const TRIES = 20;
const WARM = 2;

/** CPU on the thread that does everything else, too. */
export async function openings(setting: Setting, blocks: readonly number[]): Promise<Opening[]> {
  const cluster = await Cluster.registered(setting);
  const placement = placementOf(await cluster.map());
  const pool = placement.pool(POOL);
  if (pool === undefined) throw new TypeError("the pool is there");
  const chooseMs = choosing(placement, pool);
  return blocks.map((count) => ({ blocks: count, chooseMs, ...finding(placement, pool, count) }));
}

/** As nameserver/open-blocks.ts does it each time a pool lacks an open block. */
function choosing(placement: Placement, pool: Pool): number {
  const takes = new Set(placement.map.devices.map(({ device }) => device));
  return timed(TRIES, (turn) => {
    const candidates = candidatesOf(placement, pool, takes);
    wantedBlocks(candidates, 2);
    choose(
      candidates,
      loadOf([], (pg) => pg & 1, 4),
      turn,
    );
  });
}

/** All ids of the ranges of the pool are in use, and none was ever free again. */
function finding(placement: Placement, pool: Pool, blocks: number) {
  const ranges = Math.ceil(blocks / RANGE_BLOCKS);
  const map = {
    ...placement.map,
    ranges: Array.from({ length: ranges }, (_, n) => ({ range: n + 1, pool: pool.id })),
  };
  let reads = 0;
  const isUsed = (block: number) => {
    reads++;
    return block < (ranges + 1) * RANGE_BLOCKS;
  };
  const ids = new BlockIds(isUsed, () => {
    reads++;
    return false;
  });
  // As after a start: all that there are were seen.
  for (let block = RANGE_BLOCKS as BlockId; block < (ranges + 1) * RANGE_BLOCKS; block++) {
    ids.saw(block, pool);
    ids.counted(block, pool);
  }
  const idMs = timed(TRIES, (turn) => {
    const pg = (turn * 7_919) % pool.pgNum;
    ids.next(map, pool, pg);
  });
  return { idMs, idReads: Math.round(reads / (TRIES + WARM)) };
}

function timed(tries: number, run: (turn: number) => void): number {
  // Tables are made once, and code is compiled.
  for (let turn = 0; turn < WARM; turn++) run(tries + turn);
  const cpu = process.threadCpuUsage();
  for (let turn = 0; turn < tries; turn++) run(turn);
  const { user, system } = process.threadCpuUsage(cpu);
  return (user + system) / 1_000 / tries;
}
