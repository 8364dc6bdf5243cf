/**
 * When all of each block of a device was last read and found good. That is forgotten of a block that
 * something could have hurt since: then the scrub reads it before the others.
 */
import type { BlockId } from "../base/ids.ts";

/** Replaced, never changed: who read a block sees by it whether something happened meanwhile. */
export interface Check {
  readonly generation: number;
  /** When all of it was last found good, ms of the wall clock. */
  readonly goodMs?: number;
  /** When all of it was last read, whatever was found. */
  readonly readMs?: number;
}

export class Checks {
  readonly #checks = new Map<BlockId, Check>();
  /** To be read before the others. */
  readonly #unread = new Set<BlockId>();
  readonly #onChange: (block: BlockId) => void;

  /** `onChange`: what is known of the block is not what was told. */
  constructor(onChange: (block: BlockId) => void) {
    this.#onChange = onChange;
  }

  of(block: BlockId, generation: number): Check | undefined {
    const check = this.#checks.get(block);
    return check?.generation === generation ? check : undefined;
  }

  /** Of blocks that nobody has read since something could have hurt them. */
  get unread(): ReadonlySet<BlockId> {
    return this.#unread;
  }

  /** It was made just now, and read back; or, where it is empty, there is nothing to read. */
  made(block: BlockId, generation: number, nowMs: number): void {
    this.#checks.set(block, { generation, goodMs: nowMs, readMs: nowMs });
    this.#unread.delete(block);
  }

  /** Something could have hurt it, or it has content that was never read. */
  doubt(block: BlockId, generation: number): void {
    if ((this.#checks.get(block)?.generation ?? 0) > generation) return;
    const known = this.of(block, generation)?.goodMs !== undefined;
    this.#checks.set(block, { generation });
    this.#unread.add(block);
    if (known) this.#onChange(block);
  }

  doubtAll(): void {
    for (const [block, { generation }] of this.#checks) this.doubt(block, generation);
  }

  /** Reading it failed: it has no good turn among those that come first. */
  passOver(block: BlockId, generation: number, nowMs: number): void {
    this.wasRead({ block, generation }, false, nowMs, this.of(block, generation));
  }

  /** All of it was read from `nowMs` on; `since` is what was known of it then. */
  wasRead(
    { block, generation }: { readonly block: BlockId; readonly generation: number },
    isGood: boolean,
    nowMs: number,
    since: Check | undefined,
  ): void {
    const check = this.of(block, generation);
    if (isGood ? check !== since : check === undefined) return;
    const good = isGood ? { goodMs: nowMs } : {};
    this.#checks.set(block, { generation, ...good, readMs: nowMs });
    this.#unread.delete(block);
    if (isGood && check?.goodMs !== nowMs) this.#onChange(block);
  }

  /** Those read before a time (or, by a clock that was wrong, after now), the longest ago first. */
  longestUnread(
    blocks: ReadonlyMap<BlockId, { readonly generation: number }>,
    beforeMs: number,
    nowMs: number,
  ): BlockId[] {
    const due: { readonly block: BlockId; readonly readMs: number }[] = [];
    for (const [block, { generation }] of blocks) {
      const readMs = this.of(block, generation)?.readMs ?? Number.NEGATIVE_INFINITY;
      if (readMs <= beforeMs || readMs > nowMs) due.push({ block, readMs });
    }
    return due.sort((a, b) => a.readMs - b.readMs).map(({ block }) => block);
  }

  forget(block: BlockId): void {
    this.#checks.delete(block);
    this.#unread.delete(block);
  }
}
