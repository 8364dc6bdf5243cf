/** The rows of the cluster: its map, pools, storage classes, and the blocks. */
import type { MappedDataserver, MappedDevice, Place } from "../rpc/cluster-map.ts";
import type { HealingSettings } from "../rpc/healing.ts";
import type { BlockMembers } from "../rpc/name-service.ts";
import type { BlockLayout, BlockRange, Pool, PoolScheme, StorageClass } from "../rpc/pool.ts";
import type { Encoding } from "../rpc/stripe-service.ts";

export interface BlockRow {
  readonly state: "open" | "sealed" | "settled";
  readonly generation: number;
  readonly pool: number;
  /** Absent: 1+0. */
  readonly scheme?: PoolScheme;
  /** Absent: whole. */
  readonly layout?: BlockLayout;
  /** By position; null is a hole. */
  readonly members: BlockMembers;
  readonly openedMs: number;
  readonly sealedMs?: number;
  /** Its orphans were removed after it settled. */
  readonly swept?: true;
  /** Which writing of this generation is meant, when it was made by a conversion. */
  readonly encoding?: Encoding;
  /** What it was converted from, until that is done with. */
  readonly before?: { readonly generation: number; readonly members: BlockMembers };
}

/** The cluster map beside its dataservers and devices, which have rows of their own. */
export interface MapRow {
  readonly epoch: number;
  readonly dataservers: number;
  /** Number of the next device that is new. */
  readonly nextDevice: number;
  /** Ids that places and their shadows have been given: those from -1 down. Absent: none. */
  readonly placeIds?: number;
  /** Pools that ever were, with the first; absent: no other. */
  readonly pools?: number;
  readonly storageClasses?: number;
}

/** A pool. Pool 0 has none until it is changed: then it is `firstPool`. */
export interface PoolRow extends Omit<Pool, "id"> {
  /** How many there are in it. Of pool 0 they are not counted: it stays. */
  readonly blocks: number;
  /** Storage classes whose small objects go here, and whose large ones do. */
  readonly smallOf: number;
  readonly largeOf: number;
}

/** Of the first range there is none: it is pool 0's. */
export type BlockRangeRow = Pick<BlockRange, "pool">;
export type StorageClassRow = Omit<StorageClass, "name">;
export type PlaceRow = Pick<Place, "id" | "shadows">;

/** What differs from `usualHealing`. */
export type HealingRow = Partial<HealingSettings>;

/** What all nameservers of the group know to apply. Absent: `FIRST_LEVEL`. */
export interface LevelRow {
  readonly level: number;
}

export type DataserverRow = Omit<MappedDataserver, "server">;
export type DeviceRow = Omit<MappedDevice, "device">;
