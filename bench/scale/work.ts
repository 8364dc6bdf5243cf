/**
 * What making one member anew asks of disks, processes and links (dataserver/rebuild/): sources are read
 * window by window, one copy or k pieces; what is made is written, synced, and read back.
 */
import type { Clock } from "../../base/clock.ts";
import { sleep } from "../../base/clock.ts";
import { limits } from "../../base/limits.ts";
import type { Stand } from "./cluster.ts";
import { Resources } from "./resources.ts";
import type { Setting } from "./setting.ts";

/** Windows that are simulated as one, so that a block takes few steps. */
const WINDOWS_AT_ONCE = 8;

export interface Use {
  readonly mean: number;
  readonly most: number;
}

export const resourceKinds = ["disks", "processes", "hosts", "racks"] as const;
export type ResourceKind = (typeof resourceKinds)[number];

export class Work {
  readonly #clock: Clock;
  readonly #setting: Setting;
  readonly #stands: readonly Stand[];
  readonly #disks: Resources;
  readonly #processes: Resources;
  readonly #hosts: Record<"in" | "out", Resources>;
  readonly #racks: Record<"in" | "out", Resources>;

  constructor(clock: Clock, setting: Setting, stands: readonly Stand[]) {
    this.#clock = clock;
    this.#setting = setting;
    this.#stands = stands;
    const { disk, processBytes, hostBytes, rackBytes, healingShare } = setting;
    const both = (rate: number) => ({ in: new Resources(rate), out: new Resources(rate) });
    this.#disks = new Resources(disk.bytes * healingShare);
    this.#processes = new Resources(processBytes);
    this.#hosts = both(hostBytes);
    this.#racks = both(rackBytes);
  }

  /** Resolves when `to` has made its piece from those of `from`. Numbers of devices. */
  async make(to: number, from: readonly number[], pieceBytes: number): Promise<void> {
    const window = Math.floor(limits.rebuildWindowBytes / Math.max(1, from.length));
    const step = window * WINDOWS_AT_ONCE;
    for (let done = 0; done < pieceBytes; done += step) {
      const bytes = Math.min(step, pieceBytes - done);
      const requests = Math.ceil(bytes / window);
      await this.#until(Math.max(...from.map((one) => this.#carry(one, to, bytes, requests))));
    }
    await this.#until(this.#disk(to, pieceBytes, 1));
    const reads = Math.ceil(pieceBytes / limits.rebuildWindowBytes);
    await this.#until(this.#disk(to, pieceBytes, reads));
  }

  /** How busy they were since this was asked before. */
  takeUse(overMs: number): Record<ResourceKind, Use> {
    const { devices, racks, hostDevices } = this.#setting;
    const links = ({ in: into, out }: Record<"in" | "out", Resources>, count: number): Use => {
      const uses = [into.takeUse(overMs, count), out.takeUse(overMs, count)];
      const most = Math.max(...uses.map((use) => use.most));
      return { mean: uses.reduce((sum, use) => sum + use.mean, 0) / 2, most };
    };
    return {
      disks: this.#disks.takeUse(overMs, devices),
      processes: this.#processes.takeUse(overMs, devices),
      hosts: links(this.#hosts, devices / hostDevices),
      racks: links(this.#racks, racks),
    };
  }

  #carry(from: number, to: number, bytes: number, requests: number): number {
    const nowMs = this.#clock.monotonicMs();
    const [source, target] = [this.#stand(from), this.#stand(to)];
    const ends = [
      this.#disk(from, bytes, requests),
      this.#processes.of(from).take(nowMs, bytes),
      this.#processes.of(to).take(nowMs, bytes),
    ];
    if (source.host !== target.host)
      ends.push(
        this.#hosts.out.of(source.host).take(nowMs, bytes),
        this.#hosts.in.of(target.host).take(nowMs, bytes),
      );
    if (source.rack !== target.rack)
      ends.push(
        this.#racks.out.of(source.rack).take(nowMs, bytes),
        this.#racks.in.of(target.rack).take(nowMs, bytes),
      );
    return Math.max(...ends);
  }

  #disk(device: number, bytes: number, requests: number): number {
    const { disk, healingShare } = this.#setting;
    const seeksMs = (requests * disk.seekMs) / healingShare;
    return this.#disks.of(device).take(this.#clock.monotonicMs(), bytes, seeksMs);
  }

  #stand(device: number): Stand {
    return this.#stands[device] ?? { rack: 0, host: 0 };
  }

  async #until(atMs: number): Promise<void> {
    await sleep(this.#clock, Math.max(0, atMs - this.#clock.monotonicMs()));
  }
}
