/**
 * What monitors ask a tracker for, in the records of FastDFS 6.13 and later. Numbers are big-endian;
 * what nothing corresponds to here is 0. Room is that of the whole cluster, shared by all groups.
 */
import { isIPv6 } from "node:net";
import type { Clock } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import type { NameService } from "../../rpc/name-service.ts";
import { padded, u32, u64 } from "./frame.ts";
import type { Group } from "./tracker.ts";

const MiB = 1024 * 1024;
const ACTIVE = 7;
const READ_WRITE = 6;
/** Of FastDFS, whose clients ask by it what records look like. */
const VERSION = "6.13";
/** Three counts of connections, and 42 counters of 8 bytes. */
const COUNTER_BYTES = 12 + 42 * 8;
const GROUP_BYTES = 17;
const ID_BYTES = 16;
const VERSION_BYTES = 8;
const HOST_BYTES = 52;

export interface Monitored {
  readonly names: NameService;
  readonly clock: Clock;
  readonly startedMs: number;
}

const nowS = ({ clock }: Monitored) => Math.floor(clock.nowMs() / 1000);
const startedS = ({ startedMs }: Monitored) => Math.floor(startedMs / 1000);

/** One tracker, itself: that is the leader. */
export function trackerRecord(host: string, monitored: Monitored): Buffer {
  return Buffer.concat([
    Buffer.from([1]),
    padded(host, HOST_BYTES),
    Buffer.from([1, 1]),
    Buffer.alloc(12),
    padded(VERSION, VERSION_BYTES),
    u64(startedS(monitored)),
    u64(nowS(monitored)),
  ]);
}

export class ClusterView {
  readonly #monitored: Monitored;
  readonly #groups: readonly Group[];
  readonly #address: string;
  readonly #totalMb: number;
  readonly #freeMb: number;

  private constructor(
    monitored: Monitored,
    groups: readonly Group[],
    address: string,
    room: { readonly totalMb: number; readonly freeMb: number },
  ) {
    this.#monitored = monitored;
    this.#groups = groups;
    this.#address = address;
    this.#totalMb = room.totalMb;
    this.#freeMb = room.freeMb;
  }

  static async of(
    monitored: Monitored,
    groups: readonly Group[],
    address: string,
  ): Promise<ClusterView> {
    const devices = await monitored.names.deviceStates();
    const sum = (bytes: (device: (typeof devices)[number]) => number) =>
      Math.floor(devices.reduce((all, device) => all + bytes(device), 0) / MiB);
    const room = {
      totalMb: sum((device) => device.totalBytes),
      freeMb: sum((device) => device.freeBytes),
    };
    return new ClusterView(monitored, groups, address, room);
  }

  /** 113 bytes a group: name, total, free, reserved and trunk MiB, storages, port, paths … */
  groupRecords(): Buffer {
    return Buffer.concat(
      this.#groups.flatMap(({ name, port }) => [
        padded(name, GROUP_BYTES),
        ...[this.#totalMb, this.#freeMb, 0, 0, 1, port, 1, 1, 0, 1, 256, 0].map(u64),
      ]),
    );
  }

  /** 487 bytes a storage, 517 with an IPv6 address. There is one, and it has its address as id. */
  storageRecords(id: string): Buffer {
    const own = this.#address.slice(0, ID_BYTES - 1);
    if (id !== "" && id !== own) throw new QuarryError("NoSuchKey", `there is no storage ${id}`);
    const [group] = this.#groups;
    const started = startedS(this.#monitored);
    const numbers = [started, started, this.#totalMb, this.#freeMb, 0, 10, 1, 256, 0];
    return Buffer.concat([
      Buffer.from([ACTIVE, READ_WRITE]),
      padded(own, ID_BYTES),
      padded(this.#address, isIPv6(this.#address) ? 46 : 16),
      padded("", ID_BYTES),
      padded(VERSION, VERSION_BYTES),
      ...[...numbers, group?.port ?? 0].map(u64),
      Buffer.alloc(COUNTER_BYTES - 8),
      u64(nowS(this.#monitored)),
      Buffer.alloc(1),
    ]);
  }

  storageCluster(): Buffer {
    const records = this.#groups.flatMap(({ port }) => [
      padded(this.#address.slice(0, ID_BYTES - 1), ID_BYTES),
      padded(`${this.#address}:${port}`, HOST_BYTES),
      Buffer.from([0, ACTIVE]),
      Buffer.alloc(12),
      padded(VERSION, VERSION_BYTES),
      u64(startedS(this.#monitored)),
      u64(nowS(this.#monitored)),
    ]);
    return Buffer.concat([Buffer.from([0, 0]), u32(this.#groups.length), ...records]);
  }

  volumes(): Buffer {
    const records = this.#groups.flatMap(({ name }) => [
      padded(name, GROUP_BYTES),
      ...[this.#totalMb, this.#freeMb, 0, this.#freeMb, 0].map(u64),
      Buffer.from([1, 0]),
    ]);
    return Buffer.concat([Buffer.from([0]), u32(this.#groups.length), ...records]);
  }
}
