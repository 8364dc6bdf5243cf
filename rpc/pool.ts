/**
 * Pools: where blocks go and in how many pieces. A block keeps the scheme and the layout that it was
 * opened with; its pool says what new blocks get.
 */
import type { Durability } from "../base/append-file.ts";
import { limits } from "../base/limits.ts";

/** Any k of the k + m pieces give the data back; k = 1: each piece is the data itself. */
export interface PoolScheme {
  readonly k: number;
  readonly m: number;
}

/**
 * How the pieces of a block hang together: `whole` (k = 1) each is the data; `split` each needle was
 * cut into k pieces and m parities; `striped` the whole block was, when it had settled.
 */
export type BlockLayout = "whole" | "split" | "striped";

/** What no two members of a block share, from small to large. */
export const failureDomains = ["osd", "host", "rack", "zone", "region"] as const;
export type FailureDomain = (typeof failureDomains)[number];

/** How a block is kept by its members. Absent: as the device does it. */
export interface BlockKeeping {
  /** A block takes no record that would end behind this. */
  readonly blockBytes?: number;
  /** When an append is answered. */
  readonly durability?: Durability;
}

/** Blocks that have settled and rested so long are written anew in stripes of this scheme. */
export interface ColdSetting {
  readonly scheme: PoolScheme;
  readonly afterMs: number;
}

export interface Pool extends BlockKeeping {
  /** 0 is there from the start; no number is given twice. */
  readonly id: number;
  readonly name: string;
  readonly scheme: PoolScheme;
  /** A block is opened when so many of its k + m members can take it. */
  readonly minMembers: number;
  readonly failureDomain: FailureDomain;
  /** Only devices of this class. */
  readonly deviceClass?: string;
  /** Placement groups: a power of two. */
  readonly pgNum: number;
  /** Absent: they stay as they are. */
  readonly cold?: ColdSetting;
}

/** The block ids from `range` × 65,536 on belong to a pool. */
export interface BlockRange {
  readonly range: number;
  readonly pool: number;
}

/** Where objects of an S3 storage class go. */
export interface StorageClass {
  readonly name: string;
  /** Pool of chunks below the threshold: one with k = 1. */
  readonly small: number;
  readonly large: number;
  readonly thresholdBytes: number;
}

export const RANGE_BLOCKS = 65_536;
export const rangeOf = (block: number): number => Math.floor(block / RANGE_BLOCKS);

/** Undefined: nothing is asked for. */
export function keepingOf({ blockBytes, durability }: Pool): BlockKeeping | undefined {
  if (blockBytes === undefined && durability === undefined) return undefined;
  return {
    ...(blockBytes !== undefined && { blockBytes }),
    ...(durability !== undefined && { durability }),
  };
}

export const piecesOf = ({ k, m }: PoolScheme): number => k + m;
export const layoutOf = ({ k }: PoolScheme): BlockLayout => (k === 1 ? "whole" : "split");

/** With one member lost a block still has what it needs. */
export const usualMinMembers = ({ k, m }: PoolScheme): number => (m === 0 ? k : k + 1);

export const WHOLE: PoolScheme = { k: 1, m: 0 };

/** What a store of one disk has, until it is changed. */
export const firstPool: Pool = {
  id: 0,
  name: "default",
  scheme: WHOLE,
  minMembers: 1,
  failureDomain: "osd",
  pgNum: 128,
};

export const STANDARD: StorageClass = {
  name: "STANDARD",
  small: firstPool.id,
  large: firstPool.id,
  thresholdBytes: limits.largeObjectBytes,
};
