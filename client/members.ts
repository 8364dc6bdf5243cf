/** Where blocks are: the open ones to append to, and the members of any block to read from. */
import type { Clock } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import type { BlockId, DeviceId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { BlockService } from "../rpc/block-service.ts";
import type { NameService, OpenBlock } from "../rpc/name-service.ts";

/** What a client asks of a dataserver; the rest is for the nameserver. */
export type BlockAccess = Pick<BlockService, "append" | "read" | "readStripe" | "remove">;

/** Finds the dataserver that serves a device. */
export type ServiceOf = (device: DeviceId) => BlockAccess;

interface Candidate {
  readonly block: OpenBlock;
  /** Bytes on their way to this block from this client. */
  busyBytes: number;
}

const nobody = () => false;

/** An open block lent for one append; dispose it when the append is answered. */
export class Lent implements Disposable {
  readonly #candidate: Candidate;
  readonly #lengthBytes: number;

  constructor(candidate: Candidate, lengthBytes: number) {
    this.#candidate = candidate;
    this.#lengthBytes = lengthBytes;
    candidate.busyBytes += lengthBytes;
  }

  get block(): OpenBlock {
    return this.#candidate.block;
  }

  [Symbol.dispose](): void {
    this.#candidate.busyBytes -= this.#lengthBytes;
  }
}

interface PoolBlocks {
  candidates: Candidate[];
  refreshing: Promise<void> | undefined;
  seekAgainMs: number;
}

export class OpenBlocks {
  readonly #names: NameService;
  readonly #pools = new Map<number, PoolBlocks>();

  constructor(names: NameService) {
    this.#names = names;
  }

  /**
   * Small needles share the first open block of a pool, so that many of them share one sync; large
   * ones go where the fewest bytes are under way. Blocks with a shunned member come last.
   */
  async take(
    pool: number,
    lengthBytes: number,
    isShunned: (device: DeviceId) => boolean = nobody,
  ): Promise<Lent> {
    const open = this.#of(pool);
    for (let attempt = 0; open.candidates.length === 0; attempt++) {
      if (attempt > limits.retries)
        throw new QuarryError("Unavailable", "no open block to write to; is a device full?");
      open.refreshing ??= this.#refresh(pool, open);
      await open.refreshing;
    }
    const fit =
      this.takeFit(pool, lengthBytes, isShunned) ?? this.takeFit(pool, lengthBytes, nobody);
    if (fit === undefined) throw new QuarryError("Unavailable", "no open block");
    return fit;
  }

  /** One that is known and has no shunned member, if there is any. */
  takeFit(
    pool: number,
    lengthBytes: number,
    isShunned: (device: DeviceId) => boolean,
  ): Lent | undefined {
    let best: Candidate | undefined;
    for (const candidate of this.#of(pool).candidates) {
      if (best !== undefined && candidate.busyBytes > best.busyBytes) continue;
      if (candidate.block.members.some((device) => device !== null && isShunned(device))) continue;
      best = candidate;
      if (lengthBytes < limits.smallBytes) break;
    }
    return best && new Lent(best, lengthBytes);
  }

  /**
   * All known blocks of a pool have a shunned member: asks for others. Undefined while it was asked just
   * now. What it comes to shows when a block is taken.
   */
  seek(
    pool: number,
    isShunned: (device: DeviceId) => boolean,
    clock: Pick<Clock, "monotonicMs">,
  ): Promise<void> | undefined {
    const open = this.#of(pool);
    const nowMs = clock.monotonicMs();
    if (open.seekAgainMs > nowMs) return undefined;
    open.seekAgainMs = nowMs + limits.seekEveryMs;
    const members = open.candidates.flatMap(({ block }) => block.members);
    const shunned = members.filter((device) => device !== null && isShunned(device));
    return this.#seek(pool, open, [...new Set(shunned.filter((device) => device !== null))]);
  }

  async #seek(pool: number, open: PoolBlocks, avoid: DeviceId[]): Promise<void> {
    const blocks = await this.#names.openBlocks(pool, avoid.slice(0, limits.devicesAvoided));
    const known = new Set(open.candidates.map(({ block }) => block.block));
    const fresh = blocks.filter(({ block }) => !known.has(block));
    open.candidates = [...fresh.map((block) => ({ block, busyBytes: 0 })), ...open.candidates];
  }

  /** The block took an append no more: forget it and tell the nameserver. */
  async report(
    block: OpenBlock,
    reason: "full" | "sealed" | "failed",
    position?: number,
  ): Promise<void> {
    const open = this.#of(block.pool);
    const before = open.candidates.length;
    open.candidates = open.candidates.filter((c) => c.block !== block);
    if (open.candidates.length === before) return;
    await this.#names.reportBlock(block.block, block.generation, reason, position);
  }

  #of(pool: number): PoolBlocks {
    let open = this.#pools.get(pool);
    if (open === undefined) {
      open = { candidates: [], refreshing: undefined, seekAgainMs: 0 };
      this.#pools.set(pool, open);
    }
    return open;
  }

  async #refresh(pool: number, open: PoolBlocks): Promise<void> {
    try {
      const blocks = await this.#names.openBlocks(pool);
      open.candidates = blocks.map((block) => ({ block, busyBytes: 0 }));
    } finally {
      open.refreshing = undefined;
    }
  }
}

/** Where blocks are, as far as it is known. */
export interface BlockLocations {
  of(block: BlockId): Promise<OpenBlock>;
  /** What is remembered of it, if anything. */
  known(block: BlockId): OpenBlock | undefined;
  /** What is remembered of it has proved wrong. */
  forget(block: BlockId): void;
}

/** Members of blocks, remembered; a member that does not know the block makes us ask again. */
export class Locations implements BlockLocations {
  readonly #names: NameService;
  readonly #known = new Map<BlockId, OpenBlock>();

  constructor(names: NameService) {
    this.#names = names;
  }

  async of(block: BlockId): Promise<OpenBlock> {
    return this.#known.get(block) ?? (await this.#ask(block));
  }

  known(block: BlockId): OpenBlock | undefined {
    return this.#known.get(block);
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
