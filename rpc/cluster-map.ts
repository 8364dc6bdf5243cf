/**
 * The cluster map as it travels: who stores, where they stand and how they are reached. Its epoch
 * rises with every change. Whether a device is up is no part of it: that is what the leader hears,
 * and every answer tells it beside the map.
 */
import type { DeviceId, ServerId } from "../base/ids.ts";
import {
  type BlockRange,
  type FailureDomain,
  firstPool,
  type Pool,
  STANDARD,
  type StorageClass,
} from "./pool.ts";

/** Where a dataserver stands; each part lies within the one before. */
export interface Location {
  readonly region?: string;
  readonly zone?: string;
  readonly rack?: string;
  readonly host: string;
}

export interface MappedDataserver {
  readonly server: ServerId;
  /** host:port, for gateways and nameservers. */
  readonly address: string;
  readonly location: Location;
  /** Of its software. */
  readonly version: string;
}

export interface MappedDevice {
  readonly device: DeviceId;
  /** Given at the first registration, from 0 on, never to another: what CRUSH knows it by. */
  readonly number: number;
  readonly server: ServerId;
  readonly capacityBytes: number;
  /** 16.16 fixed point, 65,536 a tebibyte, as in `crush/`. */
  readonly weight: number;
  /** Who said the weight; absent: the capacity. */
  readonly weightBy?: "operator";
  /** Such as `ssd`; absent: none was named. */
  readonly class?: string;
  /** Whether it is meant to hold data. */
  readonly in: boolean;
  /** Who put it out because it was down for long, and puts it in again when it is back. */
  readonly outBy?: "planner";
  /** The id of the host that it stands in. Absent: no dataserver of this version brought it yet. */
  readonly place?: number;
  /** Its directory on the dataserver's machine. Absent: no dataserver of this version brought it yet. */
  readonly path?: string;
}

/** A region, zone, rack or host; what CRUSH calls a bucket. */
export interface Place {
  /** What CRUSH draws with: -1 for the root, given once and never again, also not to another place. */
  readonly id: number;
  /** The place that it lies in; absent for the root. */
  readonly parent?: number;
  readonly type: Exclude<FailureDomain, "osd"> | "root";
  /** Unique among the places of its type and parent. */
  readonly name: string;
  /** By device class: the id of its shadow (crush/shadow.ts), given once. */
  readonly shadows: Readonly<Record<string, number>>;
}

export interface ClusterMap {
  /** 0: nothing was ever registered. */
  readonly epoch: number;
  readonly dataservers: readonly MappedDataserver[];
  /** By number. */
  readonly devices: readonly MappedDevice[];
  /** By id, from -1 down. */
  readonly places: readonly Place[];
  /** By id; the first is there from the start. */
  readonly pools: readonly Pool[];
  /** By range. Blocks of a range that is not named belong to pool 0. */
  readonly ranges: readonly BlockRange[];
  /** By name; `STANDARD` is there from the start. */
  readonly storageClasses: readonly StorageClass[];
}

export const emptyMap: ClusterMap = {
  epoch: 0,
  dataservers: [],
  devices: [],
  places: [],
  pools: [firstPool],
  ranges: [],
  storageClasses: [STANDARD],
};

export interface MapAnswer {
  readonly epoch: number;
  /** Absent when it is not newer than what the asker has. */
  readonly map?: ClusterMap;
  /** Devices of which the leader has not heard for `limits.deviceDownMs`. */
  readonly down: readonly DeviceId[];
}

/** What a dataserver says of a device when it registers. */
export interface OfferedDevice {
  readonly device: DeviceId;
  readonly capacityBytes: number;
  readonly class?: string;
  readonly path?: string;
}
