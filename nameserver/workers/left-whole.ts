/**
 * Blocks that keep their layout, since ranges of what they hold would be mostly padding: few needles, or
 * some that are much longer than others. Tried again when they hold something else.
 */
import type { BlockId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Held } from "../stock/stock.ts";

/** What of a report says that a block holds the same. */
export type Holding = Pick<Held, "generation" | "digest">;

export class LeftWhole {
  readonly #blocks = new Map<BlockId, Holding>();

  has(block: BlockId, now: Holding | undefined): boolean {
    const then = this.#blocks.get(block);
    return then !== undefined && then.generation === now?.generation && then.digest === now.digest;
  }

  /** True when that is news, and worth telling. */
  add(block: BlockId, now: Holding): boolean {
    const isNews = !this.#blocks.delete(block);
    const oldest = this.#blocks.keys().next();
    if (this.#blocks.size >= limits.blocksResting && oldest.done !== true)
      this.#blocks.delete(oldest.value);
    this.#blocks.set(block, now);
    return isNews;
  }
}
