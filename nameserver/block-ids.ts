/**
 * Ids for new blocks: of the ranges of their pool, the next that falls into a placement group and was
 * never used; when there is none, one whose block was removed, and only then the pool takes a new range,
 * with the first block in it. Ids of needles are random, so an old fid misses in the next life of a block.
 */
import { QuarryError } from "../base/errors.ts";
import type { BlockId } from "../base/ids.ts";
import type { ClusterMap } from "../rpc/cluster-map.ts";
import { blockPg } from "../rpc/placement.ts";
import { type Pool, RANGE_BLOCKS, rangeOf } from "../rpc/pool.ts";
import type { RemovedBlockRow } from "./rows.ts";

const FIRST_POOL = 0;
const LAST_RANGE = 0xffff;
const NEW = ["new"] as const;
const NEW_OR_AGAIN = ["new", "again"] as const;
/** Blocks of a device are asked for from behind a number on, 0 to begin: there is no block 0. */
const FIRST_BLOCK = 1;

/**
 * Of the first life of a block, or of the next one: above all that a device which was away may hold of
 * the life before, also of a generation that was built and never switched to.
 */
export const firstGeneration = (removed: RemovedBlockRow | undefined): number =>
  removed === undefined ? 1 : removed.generation + 2;

/** How many blocks there are, and were taken since this nameserver leads. */
interface Counts {
  readonly byGroup: Map<number, number>;
  all: number;
}

/** With more of its ids in use a pool takes a new range sooner than it looks through all it has for one. */
const CROWDED = 0.25;

export class BlockIds {
  readonly #isUsed: (block: BlockId) => boolean;
  readonly #isFree: (block: BlockId) => boolean;
  /** By pool and group: below, there are no ids that can be used again. */
  readonly #againFrom = new Map<string, number>();
  /** By pool and group: all ids of the group below were used. */
  readonly #from = new Map<string, number>();
  /** By pool and its number of groups. */
  readonly #counts = new Map<string, Counts>();
  /** Ranges that pools took, of which the map does not know yet. */
  readonly #fresh = new Map<number, number[]>();
  #lastRange = 0;

  /** Whether there is, or was, such a block; and whether there was one, and nothing of it is left. */
  constructor(isUsed: (block: BlockId) => boolean, isFree: (block: BlockId) => boolean) {
    this.#isUsed = isUsed;
    this.#isFree = isFree;
  }

  /** A block that there is, or was. */
  saw(block: BlockId, pool: Pool | undefined): void {
    this.#lastRange = Math.max(this.#lastRange, rangeOf(block));
    if (pool === undefined) return;
    const name = nameOf(pool, blockPg(pool, block));
    this.#from.set(name, Math.max(this.#from.get(name) ?? 0, block + 1));
  }

  /** One more in its placement group. */
  counted(block: BlockId, pool: Pool | undefined): void {
    if (pool === undefined) return;
    const counts = this.#countsOf(pool);
    const pg = blockPg(pool, block);
    counts.byGroup.set(pg, (counts.byGroup.get(pg) ?? 0) + 1);
    counts.all++;
  }

  /** How many blocks a placement group has. */
  count(pool: Pool, pg: number): number {
    return this.#countsOf(pool).byGroup.get(pg) ?? 0;
  }

  #countsOf({ id, pgNum }: Pool): Counts {
    const name = `${id} ${pgNum}`;
    let counts = this.#counts.get(name);
    if (counts === undefined) {
      counts = { byGroup: new Map(), all: 0 };
      this.#counts.set(name, counts);
    }
    return counts;
  }

  /** @throws QuarryError `QuotaExceeded` when all ids there can be are in use. */
  next(map: ClusterMap, pool: Pool, pg: number): BlockId {
    const ranges = this.#rangesOf(map, pool);
    for (const which of this.#isCrowded(map, pool, ranges) ? NEW : NEW_OR_AGAIN)
      for (const range of ranges) {
        const block = this.#nextIn(range, pool, pg, which);
        if (block !== undefined) return block;
      }
    this.#againFrom.delete(nameOf(pool, pg));
    for (;;) {
      const block = this.#nextIn(this.#takeRange(map, pool), pool, pg, "new");
      if (block !== undefined) return block;
    }
  }

  #nextIn(range: number, pool: Pool, pg: number, which: "new" | "again"): BlockId | undefined {
    const name = nameOf(pool, pg);
    const from = which === "new" ? this.#from : this.#againFrom;
    const first = Math.max(range * RANGE_BLOCKS, from.get(name) ?? 0, FIRST_BLOCK);
    for (let id = first; id < (range + 1) * RANGE_BLOCKS; id++) {
      const block = id as BlockId;
      if (blockPg(pool, block) !== pg) continue;
      from.set(name, id + 1);
      if (which === "new" ? !this.#isUsed(block) : this.#isFree(block)) return block;
    }
    return undefined;
  }

  /** When no range is left to take, one that was used before is looked for in any case. */
  #isCrowded(map: ClusterMap, pool: Pool, ranges: readonly number[]): boolean {
    const isUsed = this.#countsOf(pool).all > ranges.length * RANGE_BLOCKS * CROWDED;
    return isUsed && this.#lastOf(map) < LAST_RANGE;
  }

  #rangesOf({ ranges }: ClusterMap, { id }: Pool): number[] {
    const own = ranges.filter(({ pool }) => pool === id).map(({ range }) => range);
    const first = id === FIRST_POOL ? [0] : [];
    return [...new Set([...first, ...own, ...(this.#fresh.get(id) ?? [])])].sort((a, b) => a - b);
  }

  #lastOf({ ranges }: ClusterMap): number {
    return ranges.reduce((most, { range }) => Math.max(most, range), this.#lastRange);
  }

  #takeRange(map: ClusterMap, { id }: Pool): number {
    const last = this.#lastOf(map);
    if (last >= LAST_RANGE)
      throw new QuarryError("QuotaExceeded", "every block id that there is is in use");
    this.#lastRange = last + 1;
    this.#fresh.set(id, [...(this.#fresh.get(id) ?? []), this.#lastRange]);
    return this.#lastRange;
  }
}

/** With another number of groups a block falls into another group. */
const nameOf = ({ id, pgNum }: Pool, pg: number): string => `${id} ${pgNum} ${pg}`;
