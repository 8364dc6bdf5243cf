/** Blocks whose rows changed just now: what devices tell of them may be of before. */
import type { Clock } from "../../base/clock.ts";
import type { BlockId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { KeyReader, tags } from "../keyspace.ts";
import type { Change } from "../state-store.ts";

export class RecentRows {
  readonly #clock: Clock;
  /** When each changed, the latest last. */
  readonly #changed = new Map<BlockId, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  saw(changes: readonly Change[]): void {
    for (const { key } of changes) {
      if (!key.startsWith(tags.block) && !key.startsWith(tags.removedBlock)) continue;
      const block = new KeyReader(key).u32() as BlockId;
      this.#changed.delete(block);
      this.#changed.set(block, this.#clock.monotonicMs());
    }
    this.#forget();
  }

  has(block: BlockId): boolean {
    const atMs = this.#changed.get(block);
    return atMs !== undefined && this.#clock.monotonicMs() - atMs < limits.healthFreshMs;
  }

  #forget(): void {
    const beforeMs = this.#clock.monotonicMs() - limits.healthFreshMs;
    for (const [block, atMs] of this.#changed) {
      if (atMs > beforeMs) return;
      this.#changed.delete(block);
    }
  }
}
