/**
 * The cluster map as it travels: who stores, where they stand and how they are reached. Its epoch
 * rises with every change. Whether a device is up is no part of it: that is what the leader hears,
 * and every answer tells it beside the map.
 */
import type { DeviceId, ServerId } from "../base/ids.ts";

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
  /** Such as `ssd`; absent: none was named. */
  readonly class?: string;
  /** Whether it is meant to hold data. */
  readonly in: boolean;
}

export interface ClusterMap {
  /** 0: nothing was ever registered. */
  readonly epoch: number;
  readonly dataservers: readonly MappedDataserver[];
  readonly devices: readonly MappedDevice[];
}

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
}
