/** What blocks need, by urgency; kept up as blocks change, never made anew as a whole. */
import type { BlockId } from "../../base/ids.ts";
import type { HealingKind } from "../../rpc/healing.ts";
import type { Need, Stuck } from "./need.ts";
import { urgencyOf } from "./plan.ts";

export class Needs {
  readonly #byBlock = new Map<BlockId, Need>();
  readonly #stuck = new Map<BlockId, Stuck>();
  readonly #byUrgency = new Map<number, Set<BlockId>>();
  readonly #counts = new Map<HealingKind, number>();
  #bytes = 0;

  get size(): number {
    return this.#byBlock.size;
  }

  /** Of all that is needed, about. */
  get bytes(): number {
    return this.#bytes;
  }

  get stuck(): ReadonlyMap<BlockId, Stuck> {
    return this.#stuck;
  }

  count(kind: HealingKind): number {
    return this.#counts.get(kind) ?? 0;
  }

  of(block: BlockId): Need | undefined {
    return this.#byBlock.get(block);
  }

  set(block: BlockId, need: Need | undefined, stuck: Stuck | undefined): void {
    this.#drop(block);
    if (stuck === undefined) this.#stuck.delete(block);
    else this.#stuck.set(block, stuck);
    if (need === undefined) return;
    this.#byBlock.set(block, need);
    this.#bytes += need.bytes;
    this.#counts.set(need.kind, this.count(need.kind) + 1);
    const urgency = urgencyOf(need);
    const blocks = this.#byUrgency.get(urgency);
    if (blocks === undefined) this.#byUrgency.set(urgency, new Set([block]));
    else blocks.add(block);
  }

  clear(): void {
    this.#byBlock.clear();
    this.#stuck.clear();
    this.#byUrgency.clear();
    this.#counts.clear();
    this.#bytes = 0;
  }

  /** All that need something, or are stuck. */
  blocks(): BlockId[] {
    return [...new Set([...this.#byBlock.keys(), ...this.#stuck.keys()])];
  }

  *inOrder(): Generator<Need> {
    for (const urgency of [...this.#byUrgency.keys()].sort((a, b) => a - b))
      for (const block of this.#byUrgency.get(urgency) ?? []) {
        const need = this.#byBlock.get(block);
        if (need !== undefined) yield need;
      }
  }

  #drop(block: BlockId): void {
    const need = this.#byBlock.get(block);
    if (need === undefined) return;
    this.#byBlock.delete(block);
    this.#bytes -= need.bytes;
    this.#counts.set(need.kind, this.count(need.kind) - 1);
    this.#byUrgency.get(urgencyOf(need))?.delete(block);
  }
}
