/** How blocks are made whole again, as people see and set it. */
import type { BlockId, DeviceId } from "../base/ids.ts";

export interface HealingSettings {
  /** Nothing is moved or made anew; what is under way ends. */
  readonly paused: boolean;
  /** Of all that is read and written for it, in the whole cluster; absent: as fast as it goes. */
  readonly bytesPerSecond?: number;
  /** A device that is down for so long is out: what it had is made anew elsewhere. 0: never. */
  readonly outAfterMs: number;
  /** So much of each device stays free that what the largest device or place holds fits elsewhere. */
  readonly keepsRepairRoom: boolean;
}

export const usualHealing: HealingSettings = {
  paused: false,
  outAfterMs: 600_000,
  keepsRepairRoom: true,
};

/**
 * `seal` an open block that a member lost, or that is to move; `rebuild` a member that is lost, stale or harmed; `move` one to where it belongs; `retire` what no
 * member needs any more; `switch` a member to the generation of its block; `reconcile` members that
 * differ; `convert` a block to the scheme that its pool has now.
 */
export const healingKinds = [
  "seal",
  "rebuild",
  "move",
  "retire",
  "switch",
  "reconcile",
  "convert",
] as const;
export type HealingKind = (typeof healingKinds)[number];

export interface HealingCount {
  /** Blocks that need it and have not begun. */
  readonly waiting: number;
  readonly running: number;
  /** Since this leader leads. */
  readonly done: number;
}

export interface HealingProgress {
  readonly settings: HealingSettings;
  readonly work: Readonly<Record<HealingKind, HealingCount>>;
  /** What is still to be made, about; and what was, since there was last nothing to do. */
  readonly bytesLeft: number;
  readonly bytesDone: number;
  /** Of the last minute. */
  readonly bytesPerSecond: number;
  /** Absent: nothing is to be done, or nothing moves. */
  readonly estimateMs?: number;
  /** What cannot be done, the first of it, and how many there are. */
  readonly stuck: readonly { readonly block: BlockId; readonly why: string }[];
  readonly stuckCount: number;
  /** Devices without room for what is to be made on them, and of how many blocks that is. */
  readonly lackRoom?: readonly { readonly device: DeviceId; readonly blocks: number }[];
  /** Devices that are out and still hold something, by blocks; of one that was not heard that is not known. */
  readonly leaving: readonly { readonly device: DeviceId; readonly blocks?: number }[];
  /** Every block was looked at since this leader leads, and every device that is up was heard. */
  readonly isKnown: boolean;
}
