/**
 * What is lost for good, as far as members were asked: for those who tell how the cluster stands. It is
 * found out by looking, so a new leader finds it again.
 */
import type { BlobId, BlockId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { HealingCount } from "../../rpc/healing.ts";
import type { ObjectName } from "./owner-names.ts";
import type { LostNeedle, Reconciled } from "./reconcile-block.ts";

export interface BlockLoss {
  readonly block: BlockId;
  /** The first of them; `lostCount` of them there are. */
  readonly lost: readonly (LostNeedle & { readonly object?: ObjectName })[];
  readonly lostCount: number;
  /** More, of which nothing is known but that the metadata counts them. */
  readonly unknownCount: number;
  /** When this was found out: the wall clock of the leader. */
  readonly foundMs: number;
}

export class Losses {
  /** How the comparing of members goes on. */
  work: () => HealingCount = () => ({ waiting: 0, running: 0, done: 0 });
  /** And how conversions do. */
  conversions: HealingCount = { waiting: 0, running: 0, done: 0 };
  readonly #blocks = new Map<BlockId, BlockLoss>();
  /** Blobs whose names were searched for. */
  readonly #objects = new Map<BlobId, ObjectName | undefined>();
  #forgotten = 0;

  /** In the order in which they were found; with the objects, as far as these were. */
  list(): readonly BlockLoss[] {
    return [...this.#blocks.values()].map((loss) => ({
      ...loss,
      lost: loss.lost.map((one) => {
        const object = one.owner && this.#objects.get(one.owner.blob);
        return object === undefined ? one : { ...one, object };
      }),
    }));
  }

  /** Blobs of which nobody has searched for the names. */
  unnamed(): BlobId[] {
    if (this.#blocks.size === 0) this.#objects.clear();
    const blobs = [...this.#blocks.values()].flatMap(({ lost }) =>
      lost.flatMap(({ owner }) => (owner === undefined ? [] : [owner.blob])),
    );
    return [...new Set(blobs)].filter((blob) => !this.#objects.has(blob));
  }

  /** The names of these blobs were searched for. */
  named(blobs: Iterable<BlobId>, found: ReadonlyMap<BlobId, ObjectName>): void {
    for (const blob of blobs) this.#objects.set(blob, found.get(blob));
  }

  of(block: BlockId): BlockLoss | undefined {
    return this.#blocks.get(block);
  }

  /** Blocks with losses that are too many to be listed. */
  get unlisted(): number {
    return this.#forgotten;
  }

  /** True when something is lost of which nothing was known before. */
  found(block: BlockId, reconciled: Reconciled, foundMs: number): boolean {
    const before = this.#blocks.get(block);
    const { lost, lostCount, unknownCount } = withGivenUp(reconciled, before);
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

/** Of what was given up nobody knows any more but the metadata, which count it: it stays what it was. */
function withGivenUp(
  found: Reconciled,
  before: BlockLoss | undefined,
): Pick<BlockLoss, "lost" | "lostCount" | "unknownCount"> {
  const { lostCount, unknownCount } = found;
  if (before === undefined || lostCount > 0 || unknownCount < before.lostCount) return found;
  const { lost } = before;
  return { lost, lostCount: before.lostCount, unknownCount: unknownCount - before.lostCount };
}
