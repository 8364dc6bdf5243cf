/**
 * Who is up: what each nameserver hears of the dataservers, by its own monotonic clock. It is no part
 * of the state; all of them hear it, so a new leader knows it already.
 */
import type { Clock } from "../base/clock.ts";
import type { DeviceId, LogIndex, ServerId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { DeviceStatus } from "../rpc/block-service.ts";
import type { MappedDevice } from "../rpc/cluster-map.ts";
import type { Heartbeat, HeartbeatAnswer, LivenessService } from "../rpc/liveness-service.ts";
import type { CurrentMap } from "./queries/cluster-map.ts";
import { Steadiness } from "./steadiness.ts";

interface Heard {
  readonly atMs: number;
  readonly devices: ReadonlyMap<DeviceId, DeviceStatus>;
}

/** What a nameserver tells of its group. */
export interface GroupView {
  readonly applied: LogIndex;
  nameservers(): readonly string[];
  heardTime?(server: ServerId, wallMs: number | undefined): void;
}

export class Liveness implements LivenessService {
  readonly #map: CurrentMap;
  readonly #clock: Clock;
  readonly #group: GroupView;
  readonly #heard = new Map<ServerId, Heard>();
  readonly #left = new Set<ServerId>();
  readonly #steadiness = new Steadiness();
  readonly #sinceMs: number;

  constructor(map: CurrentMap, clock: Clock, group: GroupView) {
    this.#map = map;
    this.#clock = clock;
    this.#group = group;
    this.#sinceMs = clock.monotonicMs();
  }

  /** Whom the map does not name there is told so, and not believed. */
  async heartbeat(beat: Heartbeat): Promise<HeartbeatAnswer> {
    const { server, address, devices, leaving, wallMs } = beat;
    const known = await this.#map.dataserver(server);
    const { epoch } = await this.#map.get();
    const { applied } = this.#group;
    const answer = { epoch, applied, nameservers: this.#group.nameservers() };
    if (known === undefined) return answer;
    if (known.address === address && leaving === true) {
      this.#heard.delete(server);
      this.#left.add(server);
    } else if (known.address === address) {
      this.#group.heardTime?.(server, wallMs);
      const isBack = this.#left.delete(server) || this.#heard.has(server);
      if (isBack && !this.isHeard(server))
        this.#steadiness.returned(server, this.#clock.monotonicMs());
      this.#heard.set(server, {
        atMs: this.#clock.monotonicMs(),
        devices: new Map(devices.map((status) => [status.device, status])),
      });
    }
    return { ...answer, address: known.address };
  }

  isHeard(server: ServerId): boolean {
    const atMs = this.#heard.get(server)?.atMs;
    return atMs !== undefined && this.#clock.monotonicMs() - atMs < limits.deviceDownMs;
  }

  /** When it was last heard of, by the monotonic clock. */
  heardMs(server: ServerId): number | undefined {
    return this.#heard.get(server)?.atMs;
  }

  /** Whether the dataserver that the map names for it tells of this device. */
  isServed({ device, server }: MappedDevice): boolean {
    return this.isHeard(server) && this.#heard.get(server)?.devices.has(device) === true;
  }

  /**
   * What was last heard of a device by the dataserver that has it; `down` when that is long ago. Nobody
   * is missed before there was time to hear of them: else a leader that has just started would have no
   * device to write to.
   */
  statusOf({ device, server, capacityBytes }: MappedDevice): DeviceStatus {
    const heard = this.#heard.get(server);
    const status = heard?.devices.get(device);
    const unsteadyMs = this.#steadiness.unsteadyMs(server, this.#clock.monotonicMs());
    const unsteady = { ...(unsteadyMs > 0 && { unsteadyMs }) };
    if (this.isHeard(server) && status !== undefined) return { ...status, ...unsteady };
    const isNew = this.#clock.monotonicMs() - this.#sinceMs < limits.deviceDownMs;
    if (heard === undefined && isNew && !this.#left.has(server))
      return { device, path: "", totalBytes: capacityBytes, freeBytes: capacityBytes, state: "ok" };
    return {
      ...(status ?? { device, path: "", totalBytes: capacityBytes, freeBytes: 0 }),
      ...{ ...unsteady, state: "down" },
    };
  }

  async devices(): Promise<DeviceStatus[]> {
    const { devices } = await this.#map.get();
    return devices.map((device) => this.statusOf(device));
  }
}
