/**
 * Blocks that keep their layout, since ranges of what they hold would be mostly padding: few needles, or
 * some that are much longer than others. Tried again when they hold something else, or shall become
 * something else.
 */
import type { BlockId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Wanted } from "../block-scheme.ts";
import type { Held } from "../stock/stock.ts";

/** What of a report says that a block holds the same. */
export type Holding = Pick<Held, "generation" | "digest">;

export class LeftWhole {
  readonly #blocks = new Map<BlockId, string>();

  has(block: BlockId, now: Holding | undefined, wanted: Wanted): boolean {
    return now !== undefined && this.#blocks.get(block) === described(now, wanted);
  }

  /** True when that is news, and worth telling. */
  add(block: BlockId, now: Holding, wanted: Wanted): boolean {
    const isNews = !this.#blocks.delete(block);
    const oldest = this.#blocks.keys().next();
    if (this.#blocks.size >= limits.blocksResting && oldest.done !== true)
      this.#blocks.delete(oldest.value);
    this.#blocks.set(block, described(now, wanted));
    return isNews;
  }
}

function described({ generation, digest }: Holding, { layout, scheme, padded }: Wanted): string {
  return `${generation} ${digest} ${layout} ${scheme.k}+${scheme.m} ${padded === true}`;
}
