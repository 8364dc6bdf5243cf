/** Blocks whose rows changed, told by what is written to the state. */
import type { BlockId } from "../../base/ids.ts";
import { KeyReader, tags } from "../keyspace.ts";
import type { Change } from "../state-store.ts";

export class ChangedBlocks {
  readonly #blocks = new Set<BlockId>();
  #isAll = false;

  saw(changes: readonly Change[]): void {
    for (const { key } of changes) {
      const tag = key.charAt(0);
      if (tag !== tags.block && tag !== tags.removedBlock) continue;
      this.#blocks.add(new KeyReader(key).u32() as BlockId);
    }
  }

  /** The state is another one. */
  replaced(): void {
    this.#blocks.clear();
    this.#isAll = true;
  }

  take(): { readonly blocks: readonly BlockId[]; readonly isAll: boolean } {
    const taken = { blocks: [...this.#blocks], isAll: this.#isAll };
    this.#blocks.clear();
    this.#isAll = false;
    return taken;
  }
}
