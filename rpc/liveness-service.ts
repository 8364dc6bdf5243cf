/**
 * What a dataserver says every second, to every nameserver of the group: so whoever leads next knows
 * already who is up, and how full.
 */
import type { LogIndex, ServerId } from "../base/ids.ts";
import type { DeviceStatus } from "./block-service.ts";

export interface Heartbeat {
  readonly server: ServerId;
  /** host:port, as it was registered. */
  readonly address: string;
  readonly devices: readonly DeviceStatus[];
  /** What time it is there. Absent: of an earlier version. */
  readonly wallMs?: number;
  /** It stops: nobody needs to wait until it is missed. */
  readonly leaving?: true;
}

export interface HeartbeatAnswer {
  /** Of the map that this nameserver has: one that follows may be behind. */
  readonly epoch: number;
  /** Where the map says that this dataserver is; absent when it does not name it. */
  readonly address?: string;
  /** Who all the nameservers are, host:port, as of this entry of the log; empty: not known. */
  readonly nameservers: readonly string[];
  readonly applied: LogIndex;
}

export interface LivenessService {
  heartbeat(beat: Heartbeat): Promise<HeartbeatAnswer>;
}
