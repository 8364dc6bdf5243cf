/**
 * What a dataserver does so that a block heals: it says what it has and what changed, hands pieces to
 * other dataservers, and makes a member of a block anew from the others.
 */
import type { BlockId, DeviceId, NeedleId, NeedleOwner } from "../base/ids.ts";
import type { BlockAddress, BlockPiece, BlockStatus, NewsMark, Order } from "./block-service.ts";
import type { BlockLayout } from "./pool.ts";

/** Blocks of a device that changed: made, sealed, switched, made anew, found damaged, removed from. */
export interface BlockReport {
  /** As they are now, by the number of their last change. Appends to an open block do not count. */
  readonly blocks: readonly BlockStatus[];
  /** They went. */
  readonly gone: readonly BlockId[];
  /** Everything up to here was told. */
  readonly upTo: NewsMark;
  /** There is more: ask again from `upTo` on. */
  readonly more: boolean;
}

/** Bytes of one needle of an {@link Inventory}: id u64, length u32, offset / 8 u32 (0: removed). */
export const INVENTORY_ROW_BYTES = 16;

/** What a block holds, from its index: live needles and removed ones, by id. */
export interface Inventory {
  /** Little-endian rows; the length is that of the needle as this member stores it. */
  readonly rows: Uint8Array;
  readonly piece: BlockPiece;
  /** Seeds the headers of its records; absent from a version before that does not give `records`. */
  readonly salt?: number;
  /** XOR of the ids of all live needles. */
  readonly digest?: bigint;
  /** The last id told; absent at the end. */
  readonly next?: NeedleId;
}

export interface FetchedNeedle {
  readonly needle: NeedleId;
  /** Where its data begin in the payload. */
  readonly at: number;
  readonly lengthBytes: number;
  readonly owner: NeedleOwner;
  /** As stored: the reader verifies them. */
  readonly checksums: Uint32Array;
}

export interface Fetched {
  /** In the order of asking. Who is asked for much answers the first part of it, at least one. */
  readonly needles: readonly FetchedNeedle[];
  /** Of those asked and looked at: not here, or unreadable. */
  readonly absent: readonly NeedleId[];
  /** As it stands in the file; what lies between needles means nothing. */
  readonly data: Uint8Array;
  /** Which piece of them these are: it may be another one by now. Absent from a version before. */
  readonly piece?: BlockPiece;
}

/** A part of a block file. */
export interface Records {
  /** As it stands there; nothing of it was verified. Shorter when the file ends. */
  readonly data: Uint8Array;
}

export interface RebuildSource {
  /** Its position: 0 … k + m - 1. */
  readonly piece: number;
  readonly device: DeviceId;
  /** host:port of the dataserver that has it. */
  readonly address: string;
}

/**
 * Makes one member of a sealed block anew: from scratch, or where the device has the block in this
 * generation already, from what is good of it and the others. `generation` is that of the sources.
 */
export interface RebuildOrder extends Order, BlockPiece {
  readonly layout: BlockLayout;
  /** The other members; those that do not answer are left out, as long as k answer. */
  readonly sources: readonly RebuildSource[];
  /** Pace of what is read and written together; absent: as fast as it goes. */
  readonly bytesPerSecond?: number;
  /**
   * Given up by the leader: what the device has of these goes when too few good pieces of them are found.
   * Without it (or in a version before) such an order is refused, and the block stays as it is.
   */
  readonly mayLose?: readonly NeedleId[];
  /**
   * What the device may have instead: another piece in the same generation, whose member is another
   * one. It is a source until the new one takes its place. Without it (or in a version before) such an
   * order is refused.
   */
  readonly replaces?: number;
}

export interface Rebuilt {
  readonly status: BlockStatus;
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Needles of which fewer than k pieces were found: left out. The first of them. */
  readonly lost: readonly NeedleId[];
  readonly lostCount: number;
  /** Sources that could not be asked: what only they know of removals is not in the block. */
  readonly unasked: readonly DeviceId[];
}

export interface RebuildProgress extends BlockAddress {
  readonly needles: number;
  readonly needlesDone: number;
  readonly bytes: number;
  readonly bytesDone: number;
}

export interface HealingService {
  /** Changes behind `after.number`, at most `limit`; all blocks when the era is another. */
  report(device: DeviceId, after: NewsMark, limit: number): Promise<BlockReport>;
  /** Needles with an id above `after` (0: from the first on). */
  inventory(address: BlockAddress, after: NeedleId): Promise<Inventory>;
  /**
   * What of these needles fits in one answer. Who receives them verifies their data; what is wrong is
   * asked for again with `check`, so that who has it verifies, too: it notes what has rotted.
   */
  fetch(address: BlockAddress, needles: readonly NeedleId[], check?: boolean): Promise<Fetched>;
  /**
   * What stands in the file from an offset on: at most `limits.fetchBytes`, or one record that is longer.
   * @throws QuarryError `DiskFailed` when the disk cannot read it.
   */
  records(address: BlockAddress, offset: number, lengthBytes: number): Promise<Records>;
  /**
   * Resolves when the block is durable, was read back and is in its place. The same order again joins
   * the one under way, or begins anew; a crash leaves the state before or after.
   * @throws QuarryError `TooFewPieces`, `DiskFull`, `StaleTerm`, `StaleGeneration`.
   */
  rebuild(order: RebuildOrder): Promise<Rebuilt>;
  /** Those under way. */
  rebuilds(device: DeviceId): Promise<readonly RebuildProgress[]>;
}
