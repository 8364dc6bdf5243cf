/**
 * Open blocks by pool, and by whose needles go there. What the nameserver writes itself it drops again
 * before long: it stands in blocks of its own, which become empty as a whole and leave no holes among
 * what clients keep. Who leads next takes them for blocks of clients: that does no harm.
 */
import type { BlockId } from "../base/ids.ts";
import type { OpenBlock } from "../rpc/name-service.ts";

export type BlockUse = "clients" | "copies";

/** What is going on in one pool, for one use. */
export interface Lane {
  readonly pool: number;
  readonly use: BlockUse;
  filling?: Promise<void>;
  lookedMs: number;
  turn: number;
}

export class BlockLanes {
  readonly #lanes: Lane[] = [];
  readonly #open = new Map<BlockId, { readonly open: OpenBlock; readonly use: BlockUse }>();

  lane(pool: number, use: BlockUse): Lane {
    const known = this.#lanes.find((lane) => lane.pool === pool && lane.use === use);
    if (known !== undefined) return known;
    const lane = { pool, use, lookedMs: Number.NEGATIVE_INFINITY, turn: 0 };
    this.#lanes.push(lane);
    return lane;
  }

  of({ pool, use }: Lane): OpenBlock[] {
    const here: OpenBlock[] = [];
    for (const one of this.#open.values())
      if (one.open.pool === pool && one.use === use) here.push(one.open);
    return here;
  }

  has(block: BlockId): boolean {
    return this.#open.has(block);
  }

  add(open: OpenBlock, use: BlockUse): void {
    this.#open.set(open.block, { open, use });
  }

  /** Not handed out any more; its lane looks for another at once. */
  end(block: BlockId): void {
    const known = this.#open.get(block);
    if (known === undefined) return;
    this.#open.delete(block);
    this.lane(known.open.pool, known.use).lookedMs = Number.NEGATIVE_INFINITY;
  }

  /** Not handed out any more. */
  forget(isOver: (open: OpenBlock) => boolean): void {
    for (const [block, { open }] of this.#open) if (isOver(open)) this.#open.delete(block);
  }
}
