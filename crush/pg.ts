/**
 * From a name to devices as Ceph's clients compute it: name → hash → placement group → input of
 * CRUSH → devices. And the table of a pool's placements, made once per epoch, so that looking one
 * up costs nothing.
 */
import { hash2 } from "./hash.ts";
import type { Layout } from "./layout.ts";
import { NONE } from "./map.ts";
import { place } from "./place.ts";
import { createScratch } from "./scratch.ts";

export interface PgPool {
  readonly id: number;
  /** Number of placement groups that objects fall into. */
  readonly pgNum: number;
  /** How many of them are placed apart; smaller than `pgNum` while a pool is being split. */
  readonly pgpNum: number;
  /** True mixes the pool's id into the hash, so that pools do not line up; old pools add it. */
  readonly hashPool: boolean;
  /** Replicas or pieces of an object. */
  readonly size: number;
  readonly ruleId: number;
}

/**
 * `x` modulo `n`, but moving little when `n` grows: the low bits of `x`, one bit fewer where that
 * is not below `n` yet. `x` and `n` are unsigned 32-bit, `n` above 0.
 */
export function stableMod(x: number, n: number): number {
  const mask = n === 1 ? 0 : 0xffffffff >>> Math.clz32(n - 1);
  const masked = (x & mask) >>> 0;
  return masked < n ? masked : (x & (mask >>> 1)) >>> 0;
}

/** The placement group of an object whose name has this hash. */
export const pgOf = (pool: Pick<PgPool, "pgNum">, nameHash: number): number =>
  stableMod(nameHash, pool.pgNum);

/** What CRUSH is fed for a placement group, unsigned 32-bit. */
export function placementSeed(pool: PgPool, pg: number): number {
  const placed = stableMod(pg, pool.pgpNum);
  return (pool.hashPool ? hash2(placed, pool.id) : placed + pool.id) >>> 0;
}

/** Devices of every placement group of one pool, at one epoch. */
export interface PgTable {
  readonly pool: PgPool;
  /** By placement group and position; NONE where there is no device. */
  readonly devices: Int32Array;
}

/** Computes the placements of a whole pool. */
export function makePgTable(layout: Layout, pool: PgPool, reweights: Uint32Array): PgTable {
  const devices = new Int32Array(pool.pgNum * pool.size).fill(NONE);
  const scratch = createScratch(layout, pool.size);
  for (let pg = 0; pg < pool.pgNum; pg++) {
    const input = placementSeed(pool, pg);
    const count = place(layout, pool.ruleId, input, pool.size, reweights, scratch);
    for (let i = 0; i < count; i++) devices[pg * pool.size + i] = scratch.result[i] ?? NONE;
  }
  return { pool, devices };
}

/** The devices of one placement group: a view, by position, NONE for holes. */
export function devicesOf(table: PgTable, pg: number): Int32Array {
  return table.devices.subarray(pg * table.pool.size, (pg + 1) * table.pool.size);
}
