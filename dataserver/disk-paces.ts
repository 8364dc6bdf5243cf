/** How long the disks of a dataserver take of late: a moving mean of appends and of reads for each. */
import type { Clock } from "../base/clock.ts";
import type { DeviceId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { DevicePace, DeviceStatus } from "../rpc/block-service.ts";

type Kind = "append" | "read";

interface Statused {
  readonly id: DeviceId;
  status(): Promise<DeviceStatus>;
}

interface Measured {
  meanMs: number;
  /** Of the last that ended. */
  atMs: number;
  /** When those began that are under way, the oldest first. */
  readonly begun: Set<{ readonly fromMs: number }>;
}

export class DiskPaces {
  readonly #clock: Clock;
  readonly #measured = {
    append: new Map<DeviceId, Measured>(),
    read: new Map<DeviceId, Measured>(),
  };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs it; only what succeeds counts, and what does not end. */
  timed<T>(device: DeviceId, kind: Kind, run: () => Promise<T>): Promise<T> {
    const measured = this.#of(device, kind);
    const own = { fromMs: this.#clock.monotonicMs() };
    measured.begun.add(own);
    return run().then(
      (result) => {
        measured.begun.delete(own);
        const nowMs = this.#clock.monotonicMs();
        const isOld = nowMs - measured.atMs >= limits.paceKeptMs;
        const tookMs = nowMs - own.fromMs;
        measured.meanMs = isOld ? tookMs : measured.meanMs + (tookMs - measured.meanMs) / 8;
        measured.atMs = nowMs;
        return result;
      },
      (error: unknown) => {
        measured.begun.delete(own);
        throw error;
      },
    );
  }

  /** Of devices, each with its pace. */
  async statuses(devices: readonly Statused[]): Promise<DeviceStatus[]> {
    return await Promise.all(
      devices.map(async (one) => ({ ...(await one.status()), pace: this.of(one.id) })),
    );
  }

  /** What was not measured in the last minute is absent. */
  of(device: DeviceId): DevicePace {
    const appendMs = this.#meanOf(device, "append");
    const readMs = this.#meanOf(device, "read");
    return {
      ...(appendMs !== undefined && { appendMs }),
      ...(readMs !== undefined && { readMs }),
    };
  }

  #meanOf(device: DeviceId, kind: Kind): number | undefined {
    const { meanMs, atMs, begun } = this.#of(device, kind);
    const nowMs = this.#clock.monotonicMs();
    const [oldest] = begun;
    const waitedMs = oldest === undefined ? 0 : nowMs - oldest.fromMs;
    const isKnown = nowMs - atMs < limits.paceKeptMs;
    if (!isKnown && waitedMs < limits.slowLeastMs) return undefined;
    return Math.round(Math.max(isKnown ? meanMs : 0, waitedMs) * 10) / 10;
  }

  #of(device: DeviceId, kind: Kind): Measured {
    const ofKind = this.#measured[kind];
    let measured = ofKind.get(device);
    if (measured === undefined) {
      measured = { meanMs: 0, atMs: Number.NEGATIVE_INFINITY, begun: new Set() };
      ofKind.set(device, measured);
    }
    return measured;
  }
}
