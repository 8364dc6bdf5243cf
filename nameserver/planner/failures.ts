/** What could not be done: each is tried again, after a longer rest each time. */
import { hasCode, QuarryError } from "../../base/errors.ts";
import type { BlockId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Need, Stuck } from "./need.ts";

interface Failure extends Stuck {
  readonly untilMs: number;
  readonly restMs: number;
}

export class Failures {
  readonly #byBlock = new Map<BlockId, Failure>();

  of(block: BlockId): Stuck | undefined {
    return this.#byBlock.get(block);
  }

  get all(): ReadonlyMap<BlockId, Stuck> {
    return this.#byBlock;
  }

  isResting(block: BlockId, nowMs: number): boolean {
    return (this.#byBlock.get(block)?.untilMs ?? 0) > nowMs;
  }

  delete(block: BlockId): void {
    this.#byBlock.delete(block);
  }

  clear(): void {
    this.#byBlock.clear();
  }

  /** @returns why, if that is worth telling: it is more than a moment's, and was not told before. */
  failed(need: Need, error: unknown, nowMs: number): string | undefined {
    const { block, kind } = need;
    const before = this.#byBlock.get(block);
    const isBusy = hasCode(error, "Busy", "Changed");
    const restMs = isBusy
      ? limits.healingRetryMs
      : Math.min(limits.healingLongestRetryMs, (before?.restMs ?? limits.healingRetryMs / 2) * 2);
    const message = error instanceof QuarryError ? error.message : String(error);
    const why = `${kind}: ${message}`;
    const lacksRoom = hasCode(error, "DiskFull") && "to" in need && "position" in need;
    this.#byBlock.set(block, {
      ...{ why, untilMs: nowMs + restMs, restMs },
      ...(lacksRoom && { lacksRoom: need.to }),
    });
    return isBusy || before?.why === why ? undefined : message;
  }
}
