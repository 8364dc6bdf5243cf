/** Commands that change where bytes are kept: dataservers, devices, pools, storage classes, healing. */
import type { DeviceId, ServerId } from "../base/ids.ts";
import type { Location, OfferedDevice } from "./cluster-map.ts";
import type { HealingSettings } from "./healing.ts";
import type { Pool, StorageClass } from "./pool.ts";

/** A field to set, or null to go back to its default. Absent fields stay as they are. */
export type Change<T> = { readonly [Field in keyof T]?: T[Field] | null };

/** What can be said of a pool. */
export type PoolSettings = Omit<Pool, "id" | "name">;

export type ClusterCommand =
  /**
   * A dataserver says where it is and which devices it serves. Those that another served move to it;
   * those that it served before and does not name any more stay its own.
   */
  | {
      readonly type: "registerDataserver";
      readonly server: ServerId;
      readonly address: string;
      readonly location: Location;
      readonly version: string;
      readonly devices: readonly OfferedDevice[];
    }
  /** Changes what is meant to be on a device: its weight, or whether it holds data at all. */
  | {
      readonly type: "changeDevice";
      readonly device: DeviceId;
      readonly in?: boolean;
      /** 16.16 fixed point; null: that of its capacity again. */
      readonly weight?: number | null;
      /**
       * Not a person, but the planner, about a device that was down for long, or is back: it puts out only
       * what is in, and in only what it put out itself. What it finds otherwise stays as it is.
       */
      readonly by?: "planner";
    }
  /**
   * Takes a device out of the cluster map for good; its number is not given again. Refused while it is
   * in, while it is served, and while a block names it.
   */
  | {
      readonly type: "removeDevice";
      readonly device: DeviceId;
      /** The leader's word: what it looked at. */
      readonly epoch?: number;
    }
  /** Refused while it is up, and while it has devices. */
  | { readonly type: "removeDataserver"; readonly server: ServerId; readonly epoch?: number }
  /** A name is for people: it need not be unique. Fields that are absent are as in pool 0 at the start. */
  | {
      readonly type: "createPool";
      readonly name: string;
      readonly settings: Partial<PoolSettings>;
    }
  /** Blocks that are there keep their scheme until they are converted. */
  | {
      readonly type: "changePool";
      readonly pool: number;
      readonly name?: string;
      readonly change: Change<PoolSettings>;
    }
  /** Refused while it has blocks, or a storage class names it. */
  | { readonly type: "removePool"; readonly pool: number }
  | { readonly type: "setStorageClass"; readonly storageClass: StorageClass }
  /** Refused for `STANDARD`. Objects that have it keep it, and stay where they are. */
  | { readonly type: "removeStorageClass"; readonly name: string }
  /** How fast, and whether, blocks are made whole again; what is null is as usual. */
  | { readonly type: "setHealing"; readonly change: Change<HealingSettings> };
