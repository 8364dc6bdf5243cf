/** How the blocks of each placement group of a pool stand, and on which devices they are. */
import type { BlockId } from "../../base/ids.ts";
import type { PlacementGroup } from "../../rpc/health.ts";
import type { BlockMembers } from "../../rpc/name-service.ts";
import { blockPg } from "../../rpc/placement.ts";
import type { Pool } from "../../rpc/pool.ts";
import type { BlockRow } from "../rows.ts";
import type { Judgement } from "./judge-block.ts";
import { rankOf } from "./tally.ts";

interface Gathered {
  blocks: number;
  level: Judgement["level"];
  /** Blocks by where they are. */
  readonly acting: Map<string, { readonly members: BlockMembers; blocks: number }>;
}

export class GroupTally {
  readonly #pool: Pool;
  readonly #groups = new Map<number, Gathered>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  add(block: BlockId, { members }: BlockRow, { level }: Judgement): void {
    const pg = blockPg(this.#pool, block);
    const group = this.#groups.get(pg) ?? { blocks: 0, level, acting: new Map() };
    this.#groups.set(pg, group);
    group.blocks++;
    if (rankOf(level) < rankOf(group.level)) group.level = level;
    const name = members.join();
    const acting = group.acting.get(name);
    if (acting === undefined) group.acting.set(name, { members, blocks: 1 });
    else acting.blocks++;
  }

  /** By number, those without blocks left out. */
  groups(): PlacementGroup[] {
    return [...this.#groups]
      .sort(([a], [b]) => a - b)
      .map(([pg, { blocks, level, acting }]) => {
        const [most] = [...acting.values()].sort((a, b) => b.blocks - a.blocks);
        return {
          pg,
          blocks,
          level,
          acting: most?.members ?? [],
          elsewhere: blocks - (most?.blocks ?? 0),
        };
      });
  }
}
