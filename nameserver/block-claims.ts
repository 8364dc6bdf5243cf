/**
 * Who works on a block just now, of all that a leader does by itself: what rewrites a block, moves its
 * members or removes from it takes turns. Commands guard the rows; this spares work in vain.
 */
import type { BlockId } from "../base/ids.ts";

export class BlockClaims {
  readonly #taken = new Set<BlockId>();

  has(block: BlockId): boolean {
    return this.#taken.has(block);
  }

  /** Undefined: somebody else is at it; leave it for later. */
  take(block: BlockId): Disposable | undefined {
    if (this.#taken.has(block)) return undefined;
    this.#taken.add(block);
    return { [Symbol.dispose]: () => void this.#taken.delete(block) };
  }
}
