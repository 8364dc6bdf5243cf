/**
 * How far members that are being made are, as the dataservers that make them say: so that pace and
 * estimate are measured while the first blocks are still under way.
 */
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { RebuildProgress } from "../../rpc/healing-service.ts";
import type { Need } from "./need.ts";

export interface UnderWayOptions {
  readonly running: ReadonlyMap<BlockId, Need>;
  readonly rebuilds: (device: DeviceId) => Promise<readonly RebuildProgress[]>;
  readonly moved: (bytes: number) => void;
}

export class UnderWay {
  readonly #options: UnderWayOptions;
  /** Bytes of what runs that were told as moved already. */
  readonly #told = new Map<BlockId, number>();
  #asking: Promise<unknown> | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(options: UnderWayOptions) {
    this.#options = options;
  }

  get bytes(): number {
    return [...this.#told.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Asks, if that is not under way and not long enough ago; nobody waits for the answers. */
  look(nowMs: number): void {
    if (this.#asking !== undefined || nowMs - this.#askedMs < limits.healingMeasureMs) return;
    const makers = [...this.#options.running.values()].filter((need) => "sources" in need);
    if (makers.length === 0) return;
    this.#askedMs = nowMs;
    const devices = new Set(makers.flatMap(({ targets }) => targets));
    this.#asking = Promise.all([...devices].map((device) => this.#ask(device))).finally(() => {
      this.#asking = undefined;
    });
  }

  /** A block is done, or given up: how much of it was told before. */
  ended(block: BlockId): number {
    const told = this.#told.get(block) ?? 0;
    this.#told.delete(block);
    return told;
  }

  /** Resolves when nobody is asked any more. */
  async end(): Promise<void> {
    await this.#asking;
  }

  async #ask(device: DeviceId): Promise<void> {
    const { rebuilds, running, moved } = this.#options;
    // Who does not answer, or is of a version before, does not say: the end of it is heard of anyway.
    const told = await rebuilds(device).catch(() => []);
    for (const { block, bytes, bytesDone } of told) {
      const need = running.get(block);
      if (need === undefined || !need.targets.includes(device) || bytes === 0) continue;
      const done = Math.floor(need.bytes * Math.min(1, bytesDone / bytes));
      const before = this.#told.get(block) ?? 0;
      if (done <= before) continue;
      this.#told.set(block, done);
      moved(done - before);
    }
  }
}
