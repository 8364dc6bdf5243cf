/**
 * What a dataserver does for striped blocks: a settled block is written anew as k ranges of whole
 * needles and m parities of them, on k + m devices. One dataserver (the converter) reads the block
 * once and hands each device its file, part by part; a command makes that the block's next generation.
 */
import type { BlockId, DeviceId, NeedleKind, Term } from "../base/ids.ts";
import type { BlockAddress, BlockPiece, BlockStatus, Order } from "./block-service.ts";
import type { RebuildSource } from "./healing-service.ts";
import type { BlockLayout, PoolScheme } from "./pool.ts";

/**
 * Names one writing of a block: random, the same in all files that were made by it. Files of several
 * are never mixed, also within one generation.
 */
export type Encoding = number;

/** The needle is another member's: where it stands, so that it can be read there or from k others. */
export interface StripePlace {
  readonly kind: "elsewhere";
  readonly needleBytes: number;
  readonly generation: number;
  readonly encoding: Encoding;
  readonly scheme: PoolScheme;
  /** Position of the member in whose range it stands. */
  readonly range: number;
  /** Where its data begin in that range. */
  readonly at: number;
  /** Offset in the needle that the checksums begin with: a multiple of 64 KiB. */
  readonly offset: number;
  /** Of the spans that the request touches. */
  readonly checksums: Uint32Array;
  /** The kind that was asked for (`ReadRequest.only`). */
  readonly only?: NeedleKind;
}

export interface StripeRequest extends BlockAddress {
  /** Absent: whichever it is. Another one is refused with `StaleGeneration`. */
  readonly encoding?: Encoding;
  /** In the member's range (of a parity: in the parity), or behind it in the tables. */
  readonly offset: number;
  readonly lengthBytes: number;
}

export interface StripeBytes {
  readonly piece: BlockPiece;
  readonly encoding: Encoding;
  readonly createdMs: number;
  /** Length of the range, and of the tables behind it, which are the same at all members. */
  readonly rangeBytes: number;
  readonly tableBytes: number;
  readonly needles: number;
  readonly longSums: number;
  /** CRC32C of the data: ranges were verified where they were read. */
  readonly sum: number;
  readonly data: Uint8Array;
}

/** A part of a file of the next generation; `generation` is that one. */
export interface StageOrder extends Order {
  readonly encoding: Encoding;
}

/** Bytes of one row of `ConvertOrder.chunks`: needle u64, length u32, crc32c u32, little-endian. */
export const CHUNK_ROW_BYTES = 16;
/**
 * On top of the length of a bare needle, of which nothing but its own head tells more: it stays as long
 * as its pieces are together, and its checksum is not known.
 */
export const BARE_ROW = 0x80000000;

export interface ConvertOrder extends Order {
  /** `generation` is that of the sources; what is made is the next one. */
  readonly scheme: PoolScheme;
  readonly layout: BlockLayout;
  readonly sources: readonly RebuildSource[];
  readonly to: { readonly scheme: PoolScheme; readonly layout: "whole" | "striped" };
  /** One for each position. */
  readonly targets: readonly RebuildSource[];
  /** Of a split block: the chunks that its needles are, as named. Others are left out. */
  readonly chunks?: Uint8Array;
  /** It must have another scheme: ranges are padded as far as it takes. Absent: only so far as is worth it. */
  readonly padded?: true;
  /** Pace of what is read and written together; absent: as fast as it goes. */
  readonly bytesPerSecond?: number;
}

export interface Converted {
  readonly encoding: Encoding;
  readonly needles: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** What waits on a device to be switched to. */
export interface Staged {
  readonly block: BlockId;
  readonly generation: number;
  /** Absent: it cannot be read. */
  readonly encoding?: Encoding;
}

export interface StripeService {
  /**
   * Bytes of a member's range as they stand there, verified.
   * @throws QuarryError `Damaged` when they are not what was written.
   */
  readStripe(request: StripeRequest): Promise<StripeBytes>;
  /** From offset 0 on, in order of time: what is at 0 begins the file anew. */
  stage(order: StageOrder, offset: number, data: Uint8Array): Promise<void>;
  /** Makes it durable and reads it back; from then on it waits for `switchGeneration`. */
  finishStage(order: StageOrder, fileBytes: number): Promise<BlockStatus>;
  /** Takes away what was staged, finished or not. */
  dropStage(order: BlockAddress & { readonly term?: Term }): Promise<void>;
  /** What is finished and waits: at most `limits.stagedListed`, the lowest blocks. */
  staged(device: DeviceId): Promise<readonly Staged[]>;
  /**
   * Writes a block anew to all targets, and resolves when it is durable and was read back everywhere.
   * @throws QuarryError `TooFewPieces` when something of it cannot be read: it is to be healed first.
   */
  convert(order: ConvertOrder): Promise<Converted>;
}
