/**
 * What changed on a device, so that a nameserver asks only for that: each change gives its block the
 * next number. The numbers live as long as the process; with them goes the era.
 */
import type { BlockId } from "../base/ids.ts";
import type { NewsMark } from "../rpc/block-service.ts";

export interface Changes {
  /** In the order of their last change. */
  readonly blocks: readonly BlockId[];
  readonly upTo: NewsMark;
  readonly more: boolean;
}

export class News {
  readonly #era: number;
  #number = 0;
  /** The number of each block's last change, also of those that went; the latest stands last. */
  readonly #changes = new Map<BlockId, number>();

  constructor(era: number) {
    this.#era = era;
  }

  get mark(): NewsMark {
    return { era: this.#era, number: this.#number };
  }

  changed(block: BlockId): void {
    this.#changes.delete(block);
    this.#changes.set(block, ++this.#number);
  }

  /** Those that changed behind `after`; all of them when that is of another era. */
  since(after: NewsMark, limit: number): Changes {
    const from = after.era === this.#era ? after.number : 0;
    const blocks: BlockId[] = [];
    let upTo = from;
    if (from < this.#number)
      for (const [block, number] of this.#changes) {
        if (number <= from) continue;
        if (blocks.length === limit)
          return { blocks, upTo: { era: this.#era, number: upTo }, more: true };
        blocks.push(block);
        upTo = number;
      }
    return { blocks, upTo: this.mark, more: false };
  }
}
