/**
 * What a dataserver does for others. One dataserver serves one or more devices; every request
 * names the device, because a block's members are devices. What it does so that a block heals:
 * healing-service.ts.
 */
import type {
  BlobId,
  BlockId,
  DeviceId,
  NeedleId,
  NeedleKind,
  NeedleOwner,
  Term,
} from "../base/ids.ts";
import type { HealingService } from "./healing-service.ts";
import type { BlockKeeping, BlockLayout, PoolScheme } from "./pool.ts";
import type { Encoding, StripePlace, StripeService } from "./stripe-service.ts";

/** What one member of a block holds of it. */
export interface BlockPiece {
  /** Its position: 0 … k + m - 1. */
  readonly piece: number;
  readonly scheme: PoolScheme;
}

/** One generation of one block on one device. */
export interface BlockAddress {
  readonly device: DeviceId;
  readonly block: BlockId;
  readonly generation: number;
}

/**
 * What a leader orders carries the term in which it was decided. A device remembers the highest that
 * it has seen, also over a restart, and refuses lower ones with `StaleTerm` (INV-7). Without a term it
 * is no order of a leader: a client that removes a bare needle, or a single process of the version
 * before.
 */
export interface Order extends BlockAddress {
  readonly term?: Term;
}

export interface SwitchOrder extends Order {
  /** Only to what was made by this one (`StripeService.convert`); absent: only to what `compact` built. */
  readonly encoding?: Encoding;
  /**
   * Needles that the generation before knows to be removed (u64 each, little-endian): they are removed
   * before anything is answered from this one. At most `limits.switchRemoved`.
   */
  readonly removed?: Uint8Array;
}

export interface RetireOrder extends Order {
  /**
   * A committed command has made this device no member of the block: its needles go with it. Without
   * it only an emptied block goes.
   */
  readonly surplus?: true;
  /** Only this very file of the block (`BlockStatus.salt`), not one that was made anew since. */
  readonly salt?: number;
  /** Only while it holds just these needles (`BlockStatus.digest`): what was removed since is to be told. */
  readonly digest?: bigint;
}

export interface AppendRequest extends BlockAddress {
  readonly needle: NeedleId;
  readonly owner: NeedleOwner;
  readonly lengthBytes: number;
  /** One CRC32C for each 64 KiB of data, seeded as docs/formats.md says (`needleChecksums`). */
  readonly checksums: Uint32Array;
}

/** `full`, `sealed` and `duplicate` are ordinary answers: the client takes another block or id. */
export type AppendReply = {
  readonly kind: "stored" | "full" | "sealed" | "duplicate" | "missing" | "stale";
};

export interface ReadRequest {
  readonly device: DeviceId;
  readonly block: BlockId;
  readonly needle: NeedleId;
  /** Range of the needle's data. The reply covers the 64 KiB spans that the range touches. */
  readonly offset: number;
  readonly lengthBytes: number;
  /** What the reader may see, by the needle's owner: one of another kind is `missing` for it. */
  readonly only?: NeedleKind;
}

export type ReadReply =
  | {
      readonly kind: "data";
      /** Length of the whole needle. */
      readonly needleBytes: number;
      readonly generation: number;
      /** Which piece of the needle this is; absent: the needle itself. */
      readonly piece?: BlockPiece;
      /** Offset of `data` in the needle: a multiple of 64 KiB. */
      readonly offset: number;
      /** One for each span in `data`; the reader verifies them end to end. */
      readonly checksums: Uint32Array;
      readonly data: Uint8Array;
      /** The kind that was asked for: a dataserver of a version that does not look does not say it. */
      readonly only?: NeedleKind;
    }
  /** This device does not hold the block, or the block not the needle. Never final by itself. */
  | { readonly kind: "missing"; readonly what: "block" | "needle" }
  | { readonly kind: "damaged"; readonly detail: string }
  | StripePlace;

export interface NeedleEntry {
  readonly needle: NeedleId;
  readonly blob: BlobId;
  readonly chunk: number;
  readonly lengthBytes: number;
}

export interface BlockStatus {
  readonly block: BlockId;
  readonly generation: number;
  readonly sealed: boolean;
  readonly needles: number;
  readonly liveBytes: number;
  readonly fileBytes: number;
  /** XOR of the live needle ids, so that members compare without reading. */
  readonly digest: bigint;
  /** What it was made for; absent for a device of the version before. */
  readonly piece?: BlockPiece;
  /** Random, drawn for each file of a block that is made. */
  readonly salt?: number;
  /** Absent: whole for k = 1, else split. */
  readonly layout?: BlockLayout;
  /**
   * When all of it was last read and found good, by the clock of the dataserver; of an open block:
   * since when nothing could have hurt it. Absent: not since something could have (a crash, a move, a
   * failed sync, damage), or it was sealed and not read yet.
   */
  readonly checkedMs?: number;
  /** Byte ranges where damage was found, if any. */
  readonly damage: readonly { readonly offset: number; readonly lengthBytes: number }[];
}

/** How long a disk takes of late; absent: nothing was asked of it in the last minute. */
export interface DevicePace {
  readonly appendMs?: number;
  readonly readMs?: number;
}

export interface DeviceStatus {
  readonly device: DeviceId;
  readonly path: string;
  readonly totalBytes: number;
  readonly freeBytes: number;
  /**
   * `full` refuses appends and serves the rest; `failed` serves what it can read; of one that is
   * `down` nothing was heard for `limits.deviceDownMs`.
   */
  readonly state: "ok" | "full" | "failed" | "down";
  readonly pace?: DevicePace;
  /**
   * Its dataserver went down and came back again and again: it must be up for so long before new blocks
   * are trusted to it. Said by nameservers.
   */
  readonly unsteadyMs?: number;
  /** Where the news of this device have got to (`HealingService.report`). */
  readonly news?: NewsMark;
}

/** A place in the news of a device. Numbers of another era say nothing: begin at 0. */
export interface NewsMark {
  /** Random, new with every start of the dataserver. */
  readonly era: number;
  readonly number: number;
}

export interface BlockService extends HealingService, StripeService {
  devices(): Promise<DeviceStatus[]>;
  /** Blocks of a device with an id above `after`, in order, at most `limit`. */
  blocks(device: DeviceId, after: number, limit: number): Promise<BlockStatus[]>;

  /** Absent `piece`: the only piece of a whole block (1+0). */
  createBlock(order: Order, piece?: BlockPiece, keeping?: BlockKeeping): Promise<void>;
  /** `data` is not touched any more once the answer is there: its memory is used again. */
  append(request: AppendRequest, data: Uint8Array): Promise<AppendReply>;
  read(request: ReadRequest): Promise<ReadReply>;
  /** Writes tombstones; resolves when they are durable. Ids that are not there are no error. */
  remove(order: Order, needles: readonly NeedleId[]): Promise<void>;
  /** From its answer on, the block durably refuses appends. */
  sealBlock(order: Order): Promise<BlockStatus>;
  /** Live needles from a cursor on (0 to begin), at most `limit`; `next` is absent at the end. */
  needles(
    address: BlockAddress,
    cursor: number,
    limit: number,
  ): Promise<{ readonly entries: NeedleEntry[]; readonly next?: number }>;
  /** Builds generation + 1 beside this one, without the removed needles, and reads it back. */
  compact(order: Order): Promise<BlockStatus>;
  /** From now on reads are served from this generation; older ones are removed. */
  switchGeneration(order: SwitchOrder): Promise<void>;
  /** Removes an emptied block, or one that is surplus here. */
  retire(order: RetireOrder): Promise<void>;
}
