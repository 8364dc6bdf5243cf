/**
 * What a cluster says of itself: how endangered what it stores is, why, and what is done about it; how
 * much it can still take. Healthy is said only of what was read and found good since the last event
 * that could have hurt it.
 */
import type { BlockId, DeviceId } from "../base/ids.ts";
import type { HealingProgress } from "./healing.ts";
import type { BlockLayout, FailureDomain, PoolScheme } from "./pool.ts";

/**
 * From worst to best: `lost`, fewer than k good pieces are known anywhere; `unreadable`, fewer than k
 * can be read now; `at risk`, the next loss is one of data; `degraded`, fewer pieces than its scheme
 * says; `misplaced`, all there and not where they belong, or not as the pool wants them; `unchecked`,
 * nothing is known to be wrong, and not all of it was read since something could have hurt it.
 */
export const healthLevels = [
  "lost",
  "unreadable",
  "at risk",
  "degraded",
  "misplaced",
  "unchecked",
  "healthy",
] as const;
export type HealthLevel = (typeof healthLevels)[number];

/** What is wrong with one piece of a block. */
export const pieceTroubles = [
  /** Nobody was there for it, and nobody is: CRUSH finds no place. */
  "no place",
  /** It was opened or left without this member. */
  "no member",
  /** The map does not name the device any more. */
  "device gone",
  "device down",
  /** Its device takes no more writes after an error of its disk. */
  "device failed",
  /** The device is up, and does not have it. */
  "missing",
  /** Of another generation. */
  "stale",
  "damaged",
  /** It lacks needles that others have, or has some that they lack. */
  "other needles",
  /** Of another scheme, or in another layout, than the block. */
  "other piece",
  /** Its device was not heard to the end since it started, or since this leader took over. */
  "not heard",
  "not checked",
  /** It stands elsewhere than CRUSH says. */
  "misplaced",
  /** The pool wants another scheme or layout by now. */
  "other scheme",
] as const;
export type PieceTrouble = (typeof pieceTroubles)[number];

export interface TroubledPiece {
  readonly piece: number;
  readonly why: PieceTrouble;
  readonly device?: DeviceId;
}

export interface BlockHealth {
  readonly block: BlockId;
  readonly pool: number;
  readonly generation: number;
  readonly scheme: PoolScheme;
  readonly layout: BlockLayout;
  readonly level: HealthLevel;
  /** Pieces that are up, of this generation and not known to be harmed. */
  readonly goodPieces: number;
  readonly troubles: readonly TroubledPiece[];
  /** In words; absent: nothing yet. */
  readonly doing?: string;
}

/** The blocks of a placement group. */
export interface PlacementGroup {
  readonly pg: number;
  readonly blocks: number;
  /** Of the worst of them. */
  readonly level: HealthLevel;
  /** Where most of them are, by position; null is a hole. */
  readonly acting: readonly (DeviceId | null)[];
  /** How many are on other devices. */
  readonly elsewhere: number;
}

/** What is wrong beside single blocks. */
export interface Concern {
  readonly level: HealthLevel;
  readonly kind: "nameserver" | "device" | "pool" | "blocks" | "room" | "healing";
  /** Device, pool or nameserver, by name or number. */
  readonly of: string;
  /** What is wrong, and what would help. */
  readonly message: string;
}

export interface Health {
  /** The worst of all blocks and concerns. */
  readonly level: HealthLevel;
  /** Wall clock of the leader when this was found out, ms. */
  readonly asOfMs: number;
  readonly blocks: Readonly<Record<HealthLevel, number>>;
  /** Bytes that blocks hold on all devices that were heard, at the level of their block. */
  readonly bytes: Readonly<Record<HealthLevel, number>>;
  /** Worst first; at most `limits.healthBlocks`. */
  readonly atRisk: readonly BlockHealth[];
  readonly concerns: readonly Concern[];
  /** Concerns that were left out of the list. */
  readonly moreConcerns: number;
  /** When the sealed piece was checked whose check is longest ago; absent: there is none. */
  readonly oldestCheckMs?: number;
  /** Absent: no planner runs. */
  readonly healing?: HealingProgress;
}

export interface PoolCapacity {
  readonly pool: number;
  readonly name: string;
  readonly scheme: PoolScheme;
  readonly failureDomain: FailureDomain;
  readonly blocks: number;
  /** What was stored, as users count it, without what waits for compaction. */
  readonly usedBytes: number;
  /** What that takes on devices. */
  readonly storedBytes: number;
  /** What can still be stored, if nothing goes to other pools, before the first device is full. */
  readonly usableBytes: number;
  /** (k + m) / k. */
  readonly overhead: number;
  /** The device that is full first, and the place of the failure domain that it stands in. */
  readonly bottleneck?: {
    readonly device: DeviceId;
    readonly number: number;
    readonly place: string;
  };
  /** Different places that CRUSH can use, and that the scheme needs. */
  readonly places: number;
  readonly placesNeeded: number;
}

export interface DeviceCapacity {
  readonly device: DeviceId;
  readonly number: number;
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** Of the free ones: kept for repairs. */
  readonly repairBytes: number;
  /** Takes new blocks. */
  readonly takes: boolean;
}

export interface Capacity {
  readonly asOfMs: number;
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly repairBytes: number;
  readonly keepsRepairRoom: boolean;
  readonly pools: readonly PoolCapacity[];
  readonly devices: readonly DeviceCapacity[];
}

/** What nameservers answer of it: as of a second ago, or more where there are many blocks. */
export interface HealthService {
  health(): Promise<Health>;
  capacity(): Promise<Capacity>;
  /** Throws `NoSuchBlock`. */
  blockHealth(block: BlockId): Promise<BlockHealth>;
  /** Those of a pool behind `after` (-1: from the first on) that have blocks. Throws `NoSuchPool`. */
  placementGroups(pool: number, after: number, limit: number): Promise<PlacementGroup[]>;
}
