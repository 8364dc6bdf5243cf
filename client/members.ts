/** Where blocks are: the open ones to append to, and the members of any block to read from. */
import { QuarryError } from "../base/errors.ts";
import type { BlockId, DeviceId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { BlockService } from "../rpc/block-service.ts";
import type { NameService, OpenBlock } from "../rpc/name-service.ts";

/** What a client asks of a dataserver; the rest is for the nameserver. */
export type BlockAccess = Pick<BlockService, "append" | "read">;

/** Finds the dataserver that serves a device. */
export type ServiceOf = (device: DeviceId) => BlockAccess;

const POOL = 0;

interface Candidate {
  readonly block: OpenBlock;
  /** Bytes on their way to this block from this client. */
  busyBytes: number;
}

/** An open block lent for one append; dispose it when the append is answered. */
export interface Lent extends Disposable {
  readonly block: OpenBlock;
}

export class OpenBlocks {
  readonly #names: NameService;
  #candidates: Candidate[] = [];
  #refreshing: Promise<void> | undefined;

  constructor(names: NameService) {
    this.#names = names;
  }

  /**
   * Small needles share the first open block, so that many of them share one sync; large ones go
   * where the fewest bytes are under way.
   */
  async take(lengthBytes: number): Promise<Lent> {
    for (let attempt = 0; this.#candidates.length === 0; attempt++) {
      if (attempt > limits.retries)
        throw new QuarryError("Unavailable", "no open block to write to; is a device full?");
      this.#refreshing ??= this.#refresh();
      await this.#refreshing;
    }
    const candidate =
      lengthBytes < limits.smallBytes
        ? this.#candidates[0]
        : this.#candidates.reduce((a, b) => (b.busyBytes <= a.busyBytes ? b : a));
    if (candidate === undefined) throw new QuarryError("Unavailable", "no open block");
    candidate.busyBytes += lengthBytes;
    return {
      block: candidate.block,
      [Symbol.dispose]: () => {
        candidate.busyBytes -= lengthBytes;
      },
    };
  }

  /** The block took an append no more: forget it and tell the nameserver. */
  async report(
    block: OpenBlock,
    reason: "full" | "sealed" | "failed",
    position?: number,
  ): Promise<void> {
    const before = this.#candidates.length;
    this.#candidates = this.#candidates.filter((c) => c.block !== block);
    if (this.#candidates.length === before) return;
    await this.#names.reportBlock(block.block, block.generation, reason, position);
  }

  async #refresh(): Promise<void> {
    try {
      const blocks = await this.#names.openBlocks(POOL);
      this.#candidates = blocks.map((block) => ({ block, busyBytes: 0 }));
    } finally {
      this.#refreshing = undefined;
    }
  }
}

/** Members of blocks, remembered; a member that does not know the block makes us ask again. */
export class Locations {
  readonly #names: NameService;
  readonly #known = new Map<BlockId, OpenBlock>();

  constructor(names: NameService) {
    this.#names = names;
  }

  async of(block: BlockId): Promise<OpenBlock> {
    return this.#known.get(block) ?? (await this.#ask(block));
  }

  forget(block: BlockId): void {
    this.#known.delete(block);
  }

  async #ask(block: BlockId): Promise<OpenBlock> {
    const found = await this.#names.locate(block);
    if (this.#known.size >= limits.locationsKept) {
      const oldest = this.#known.keys().next();
      if (oldest.done !== true) this.#known.delete(oldest.value);
    }
    this.#known.set(block, found);
    return found;
  }
}
