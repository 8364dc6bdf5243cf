/** Branded identifiers. A brand costs nothing at run time and keeps a block id from being passed as a blob id. */

declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** u32. Unique among live blocks of the store; reused with a higher generation. */
export type BlockId = Brand<number, "BlockId">;
/** u64, random, unique within its block. */
export type NeedleId = Brand<bigint, "NeedleId">;
/** 1 … 2^53-1, leased in runs from the nameserver. {@link FREE} (0) owns bare fids. */
export type BlobId = Brand<number, "BlobId">;
/** UUID written on a data directory. */
export type DeviceId = Brand<string, "DeviceId">;
/** UUID of a process's own directory (a nameserver, a dataserver). */
export type ServerId = Brand<string, "ServerId">;
/** Sequence of a version: grows with every version written, in log order. */
export type VersionSequence = Brand<number, "VersionSequence">;
/** Index of an entry in the replicated log; the first entry is 1. */
export type LogIndex = Brand<number, "LogIndex">;
/** Term of the replicated log: the reign of at most one leader. The first is 1. */
export type Term = Brand<number, "Term">;
/** A member of the group: 1 … 2^53-1. Whoever lost its vote and term needs a new one (raft/README.md). */
export type NodeId = Brand<number, "NodeId">;
/** A client's session with the state machine: the index of the entry that opened it. */
export type SessionId = Brand<number, "SessionId">;

export const FREE = 0 as BlobId;

/** Which chunk of which blob a needle holds. */
export interface NeedleOwner {
  readonly blob: BlobId;
  /** Position of the chunk in the blob, from 0; that of a list has {@link LIST_MARK} on top. */
  readonly chunk: number;
}

/** The only chunk of the blob of a list is marked so: what users store never is, whatever is in it. */
export const LIST_MARK = 0x80000000;

/** `bare`: content that a fid names; `list`: tells the chunks of a linked fid; `chunk`: of a blob. */
export type NeedleKind = "bare" | "list" | "chunk";

export function kindOfNeedle({ blob, chunk }: NeedleOwner): NeedleKind {
  if (blob === FREE) return "bare";
  return chunk >= LIST_MARK ? "list" : "chunk";
}

/** Position of a needle's chunk in its blob. */
export const positionOf = ({ chunk }: Pick<NeedleOwner, "chunk">): number =>
  chunk >= LIST_MARK ? chunk - LIST_MARK : chunk;
