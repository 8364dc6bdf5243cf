/**
 * Pieces of needles that readers found wrong or missing: what the planner looks at first. It is a hint
 * and nothing more, so it is kept in memory, only so many, and by the leader alone.
 */
import type { BlockId, NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { NeedleReport } from "../rpc/name-service.ts";

export class NeedleReports {
  /** In the order in which they came. */
  readonly #waiting = new Map<string, NeedleReport>();

  get size(): number {
    return this.#waiting.size;
  }

  /** When too many wait the oldest is forgotten: the scrub finds it, too. */
  add(block: BlockId, position: number, needle: NeedleId, what: NeedleReport["what"]): void {
    const key = `${block} ${position} ${needle}`;
    this.#waiting.delete(key);
    if (this.#waiting.size >= limits.needleReportsKept) {
      const oldest = this.#waiting.keys().next();
      if (oldest.done !== true) this.#waiting.delete(oldest.value);
    }
    this.#waiting.set(key, { block, position, needle, what });
  }

  /** At most so many of the oldest; they wait no longer. */
  take(atMost: number): NeedleReport[] {
    const taken = [...this.#waiting].slice(0, atMost);
    for (const [key] of taken) this.#waiting.delete(key);
    return taken.map(([, report]) => report);
  }
}
