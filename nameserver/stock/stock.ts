/**
 * What the devices hold, as they report it themselves: the actual beside the desired. It is kept by
 * every nameserver, in memory, so that whoever leads next knows it already; nothing of it is state.
 */
import { QuarryError } from "../../base/errors.ts";
import type { BlockId, DeviceId, Term } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { BlockStatus, NewsMark } from "../../rpc/block-service.ts";
import type { BlockReport } from "../../rpc/healing-service.ts";

/** What one device says of one block. */
export interface Held
  extends Pick<
    BlockStatus,
    | "generation"
    | "sealed"
    | "needles"
    | "liveBytes"
    | "fileBytes"
    | "digest"
    | "piece"
    | "salt"
    | "layout"
    | "checkedMs"
  > {
  readonly damagedBytes: number;
}

interface Shelf {
  /** What is not told yet lies behind it. */
  mark: NewsMark;
  blocks: Map<BlockId, Held>;
  /** While a device that started anew is heard to its end: what it said so far. */
  fresh?: Map<BlockId, Held> | undefined;
  /** Everything was heard that it had to say at some moment in this term. */
  heardIn?: Term | undefined;
}

const UNHEARD: NewsMark = { era: 0, number: 0 };

export class Stock {
  readonly #shelves = new Map<DeviceId, Shelf>();
  /** Who has, or had when it was last heard, something of a block. */
  readonly #where = new Map<BlockId, DeviceId[]>();
  readonly #changed = new Set<BlockId>();
  /** Pieces and layouts are few, and shared. */
  readonly #pieces = new Map<string, NonNullable<Held["piece"]>>();
  #entries = 0;
  #term: Term | undefined;

  /**
   * All that a device holds. Undefined: since it started, or since this term began, it was not heard to
   * the end, and nothing may be concluded from what is not there.
   */
  of(device: DeviceId): ReadonlyMap<BlockId, Held> | undefined {
    const shelf = this.#shelves.get(device);
    return shelf?.heardIn !== undefined && shelf.heardIn === this.#term ? shelf.blocks : undefined;
  }

  /** Who was last heard to hold something of a block, devices that are down among them. */
  holders(block: BlockId): ReadonlyMap<DeviceId, Held> {
    const holders = new Map<DeviceId, Held>();
    for (const device of this.#where.get(block) ?? []) {
      const held = this.#shelves.get(device)?.blocks.get(block);
      if (held !== undefined) holders.set(device, held);
    }
    return holders;
  }

  /** Blocks of which a device had something when it was last heard. */
  heldBy(device: DeviceId): Iterable<BlockId> {
    return this.#shelves.get(device)?.blocks.keys() ?? [];
  }

  /** Blocks of which something was heard since the last take, or a device was heard to the end. */
  takeChanged(): Iterable<BlockId> {
    const taken = [...this.#changed];
    this.#changed.clear();
    return taken;
  }

  /** Somebody asked a device and was answered: its news tell the same before long. */
  learn(device: DeviceId, status: BlockStatus): void {
    const shelf = this.#shelves.get(device);
    if (shelf === undefined) return;
    if (!shelf.blocks.has(status.block)) this.#place(device, status.block);
    shelf.blocks.set(status.block, this.#heldOf(status));
    shelf.fresh?.set(status.block, this.#heldOf(status));
    this.#changed.add(status.block);
  }

  /** The device has answered that it holds nothing of the block any more. */
  unlearn(device: DeviceId, block: BlockId): void {
    const shelf = this.#shelves.get(device);
    if (shelf === undefined) return;
    shelf.fresh?.delete(block);
    this.#drop(device, { ...shelf, fresh: undefined }, block);
  }

  /** From here on the puller: */

  get devices(): Iterable<DeviceId> {
    return this.#shelves.keys();
  }

  markOf(device: DeviceId): NewsMark {
    return this.#shelves.get(device)?.mark ?? UNHEARD;
  }

  /** What was heard in a term before is no base for orders in this one. */
  begin(term: Term): void {
    this.#term = term;
  }

  /** It said at a moment of this term that its news end here, and they were told up to here. */
  heard(device: DeviceId, at: NewsMark): void {
    const shelf = this.#shelves.get(device);
    if (shelf === undefined || shelf.fresh !== undefined || shelf.mark.era !== at.era) return;
    if (shelf.mark.number < at.number || shelf.heardIn === this.#term) return;
    shelf.heardIn = this.#term;
    // What it lacks tells something only now.
    for (const block of shelf.blocks.keys()) this.#changed.add(block);
  }

  /** It started anew, or cannot be asked: what it had may be gone. */
  restarted(device: DeviceId): void {
    const shelf = this.#shelves.get(device);
    if (shelf !== undefined) shelf.heardIn = undefined;
  }

  /** @throws QuarryError `TooLarge` when there is more than a nameserver keeps. */
  told(device: DeviceId, { blocks, gone, upTo, more }: BlockReport): void {
    const shelf = this.#shelfOf(device);
    if (this.#entries + (shelf.fresh?.size ?? 0) + blocks.length > limits.stockEntries)
      throw new QuarryError(
        "TooLarge",
        `devices hold more than ${limits.stockEntries} pieces of blocks: a nameserver keeps no more in mind`,
      );
    if (shelf.mark.era !== upTo.era) {
      shelf.fresh = new Map();
      shelf.heardIn = undefined;
    }
    for (const status of blocks) this.#put(device, shelf, status);
    for (const block of gone) this.#drop(device, shelf, block);
    shelf.mark = upTo;
    if (shelf.fresh !== undefined && !more) this.#exchange(device, shelf, shelf.fresh);
  }

  /** The map does not name it any more. */
  forget(device: DeviceId): void {
    const shelf = this.#shelves.get(device);
    if (shelf === undefined) return;
    shelf.fresh = undefined;
    for (const block of [...shelf.blocks.keys()]) this.#drop(device, shelf, block);
    this.#shelves.delete(device);
  }

  #shelfOf(device: DeviceId): Shelf {
    let shelf = this.#shelves.get(device);
    if (shelf === undefined) {
      shelf = { mark: UNHEARD, blocks: new Map() };
      this.#shelves.set(device, shelf);
    }
    return shelf;
  }

  #put(device: DeviceId, shelf: Shelf, status: BlockStatus): void {
    const { block } = status;
    const held = this.#heldOf(status);
    if (shelf.fresh !== undefined) {
      shelf.fresh.set(block, held);
      return;
    }
    if (!shelf.blocks.has(block)) this.#place(device, block);
    shelf.blocks.set(block, held);
    this.#changed.add(block);
  }

  #place(device: DeviceId, block: BlockId): void {
    this.#entries++;
    const where = this.#where.get(block);
    if (where === undefined) this.#where.set(block, [device]);
    else where.push(device);
  }

  #drop(device: DeviceId, shelf: Shelf, block: BlockId): void {
    if (shelf.fresh !== undefined) {
      shelf.fresh.delete(block);
      return;
    }
    if (!shelf.blocks.delete(block)) return;
    this.#entries--;
    this.#changed.add(block);
    const where = this.#where.get(block)?.filter((one) => one !== device) ?? [];
    if (where.length > 0) this.#where.set(block, where);
    else this.#where.delete(block);
  }

  /** A device that started anew was heard to the end: what it did not name is gone. */
  #exchange(device: DeviceId, shelf: Shelf, fresh: ReadonlyMap<BlockId, Held>): void {
    shelf.fresh = undefined;
    for (const block of [...shelf.blocks.keys()])
      if (!fresh.has(block)) this.#drop(device, shelf, block);
    for (const [block, held] of fresh) {
      if (!shelf.blocks.has(block)) this.#place(device, block);
      shelf.blocks.set(block, held);
      this.#changed.add(block);
    }
  }

  #heldOf({ damage, piece, salt, layout, checkedMs, ...status }: BlockStatus): Held {
    const { generation, sealed, needles, liveBytes, fileBytes, digest } = status;
    const damagedBytes = damage.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
    return {
      ...{ generation, sealed, needles, liveBytes, fileBytes, digest, damagedBytes },
      ...(piece !== undefined && { piece: this.#shared(piece) }),
      ...(salt !== undefined && { salt }),
      ...(layout !== undefined && { layout }),
      ...(checkedMs !== undefined && { checkedMs }),
    };
  }

  #shared(piece: NonNullable<Held["piece"]>): NonNullable<Held["piece"]> {
    const name = `${piece.piece} ${piece.scheme.k} ${piece.scheme.m}`;
    const known = this.#pieces.get(name);
    if (known === undefined) this.#pieces.set(name, piece);
    return known ?? piece;
  }
}
