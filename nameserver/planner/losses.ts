/**
 * What is lost for good, as far as members were asked: for those who tell how the cluster stands. It is
 * found out by looking, so a new leader finds it again.
 */
import type { BlockId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { HealingCount } from "../../rpc/healing.ts";
import type { LostNeedle, Reconciled } from "./reconcile-block.ts";

export interface BlockLoss {
  readonly block: BlockId;
  /** The first of them; `lostCount` of them there are. */
  readonly lost: readonly LostNeedle[];
  readonly lostCount: number;
  /** More, of which nothing is known but that the metadata counts them. */
  readonly unknownCount: number;
  /** When this was found out: the wall clock of the leader. */
  readonly foundMs: number;
}

export class Losses {
  /** How the comparing of members goes on. */
  work: HealingCount = { waiting: 0, running: 0, done: 0 };
  readonly #blocks = new Map<BlockId, BlockLoss>();
  #forgotten = 0;

  /** By block, in the order in which they were found. */
  list(): readonly BlockLoss[] {
    return [...this.#blocks.values()];
  }

  of(block: BlockId): BlockLoss | undefined {
    return this.#blocks.get(block);
  }

  /** Blocks with losses that are too many to be listed. */
  get unlisted(): number {
    return this.#forgotten;
  }

  /** True when something is lost of which nothing was known before. */
  found(block: BlockId, { lost, lostCount, unknownCount }: Reconciled, foundMs: number): boolean {
    const before = this.#blocks.get(block);
    if (lostCount + unknownCount === 0) {
      this.#blocks.delete(block);
      return false;
    }
    if (before === undefined && this.#blocks.size >= limits.lossesListed) {
      this.#forgotten++;
      return true;
    }
    this.#blocks.set(block, { block, lost, lostCount, unknownCount, foundMs });
    return lostCount + unknownCount > (before?.lostCount ?? 0) + (before?.unknownCount ?? 0);
  }

  forget(block: BlockId): void {
    this.#blocks.delete(block);
  }
}
