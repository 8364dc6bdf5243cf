/**
 * Where blocks belong: block id → pool → placement group → devices, the same for whoever has the same
 * cluster map. A placement group is that of an object named like the block's file, in Ceph's way.
 */
import { assert } from "../base/errors.ts";
import type { BlockId, DeviceId } from "../base/ids.ts";
import { type Layout, layOut } from "../crush/layout.ts";
import type { CrushMap } from "../crush/map.ts";
import { devicesOf, makePgTable, type PgPool, type PgTable, pgOf } from "../crush/pg.ts";
import { stringHash } from "../crush/string-hash.ts";
import type { ClusterMap, MappedDevice } from "./cluster-map.ts";
import { crushMapOf, reweightsOf, ruleName } from "./crush-map.ts";
import { type Pool, type PoolScheme, piecesOf, rangeOf } from "./pool.ts";

/** In order of their pieces; undefined where CRUSH finds none. */
export type Places = readonly (DeviceId | undefined)[];

export class Placement {
  readonly map: ClusterMap;
  readonly crush: CrushMap;
  readonly #reweights: Uint32Array;
  readonly #pools: ReadonlyMap<number, Pool>;
  readonly #ranges: ReadonlyMap<number, number>;
  readonly #devices: ReadonlyMap<number, MappedDevice>;
  readonly #rules: ReadonlyMap<string, number>;
  #layout: Layout | undefined;
  /** By pool and scheme. */
  readonly #tables = new Map<string, PgTable>();

  constructor(map: ClusterMap) {
    this.map = map;
    this.crush = crushMapOf(map);
    this.#reweights = reweightsOf(map);
    this.#pools = new Map(map.pools.map((pool) => [pool.id, pool]));
    this.#ranges = new Map(map.ranges.map(({ range, pool }) => [range, pool]));
    this.#devices = new Map(map.devices.map((device) => [device.number, device]));
    this.#rules = new Map([...this.crush.rules.values()].map(({ id, name = "" }) => [name, id]));
  }

  pool(id: number): Pool | undefined {
    return this.#pools.get(id);
  }

  /** Undefined when the range's pool was removed. */
  poolOf(block: BlockId): Pool | undefined {
    return this.#pools.get(this.#ranges.get(rangeOf(block)) ?? 0);
  }

  /** The devices that a block of this scheme belongs on; default: the scheme of its pool. */
  devicesOf(block: BlockId, scheme?: PoolScheme): Places {
    const pool = this.poolOf(block);
    return pool === undefined ? [] : this.devicesOfPg(pool, blockPg(pool, block), scheme);
  }

  devicesOfPg(pool: Pool, pg: number, scheme: PoolScheme = pool.scheme): Places {
    const numbers = devicesOf(this.#table(pool, scheme), pg);
    return Array.from(numbers, (number) => this.#devices.get(number)?.device);
  }

  /** Device numbers by placement group and position; NONE for a hole. */
  #table(pool: Pool, scheme: PoolScheme): PgTable {
    const name = `${pool.id} ${scheme.k}+${scheme.m}`;
    let table = this.#tables.get(name);
    if (table === undefined) {
      this.#layout ??= layOut(this.crush);
      table = makePgTable(this.#layout, this.pgPool(pool, scheme), this.#reweights);
      this.#tables.set(name, table);
    }
    return table;
  }

  /** A pool in the words of crush/. */
  pgPool(pool: Pool, scheme: PoolScheme = pool.scheme): PgPool {
    const ruleId = this.#rules.get(ruleName(pool, scheme));
    assert(ruleId !== undefined, "every pool of the map has its rules");
    const { id, pgNum } = pool;
    return { id, pgNum, pgpNum: pgNum, hashPool: true, size: piecesOf(scheme), ruleId };
  }
}

/** The placement group of a block. */
export function blockPg({ pgNum }: Pick<Pool, "pgNum">, block: BlockId): number {
  return pgOf({ pgNum }, stringHash(nameOf(block)));
}

/** What the block's file is called, without its end. */
function nameOf(block: BlockId): Uint8Array {
  for (let i = 0; i < 8; i++) name[i] = HEX.charCodeAt((block >>> (28 - 4 * i)) & 15);
  return name;
}

const HEX = "0123456789abcdef";
const name = new Uint8Array(8);

const placements = new WeakMap<ClusterMap, Placement>();

/** Made once for each map. */
export function placementOf(map: ClusterMap): Placement {
  let placement = placements.get(map);
  if (placement === undefined) {
    placement = new Placement(map);
    placements.set(map, placement);
  }
  return placement;
}
