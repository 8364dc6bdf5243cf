/**
 * What is given up, so that the rest of its block heals: needles that were found lost at every look for
 * so long that whoever has another copy could have brought it back. Health lists them all the while. A
 * new leader counts anew.
 */
import type { BlockId, NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";

export class GivingUp {
  /** Since when each is lost. */
  readonly #since = new Map<BlockId, ReadonlyMap<NeedleId, number>>();

  /** `lost`: all of them that a block has by this look. Those that may be left out from now on. */
  looked(block: BlockId, lost: readonly NeedleId[], nowMs: number): NeedleId[] {
    const before = this.#since.get(block);
    if (lost.length === 0 || (before === undefined && this.#since.size >= limits.lossesListed)) {
      this.#since.delete(block);
      return [];
    }
    const since = new Map(lost.map((needle) => [needle, before?.get(needle) ?? nowMs]));
    this.#since.set(block, since);
    return lost.filter((needle) => nowMs - (since.get(needle) ?? nowMs) >= limits.giveUpMs);
  }

  forget(block: BlockId): void {
    this.#since.delete(block);
  }
}
