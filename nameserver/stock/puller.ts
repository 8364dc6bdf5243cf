/**
 * Pulls what changed on the devices into the {@link Stock}: each is asked when its heartbeat names a
 * place in its news that was not heard yet. Followers do so, too.
 */
import { type Clock, sleep } from "../../base/clock.ts";
import type { DeviceId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { BlockService, DeviceStatus, NewsMark } from "../../rpc/block-service.ts";
import type { Group } from "../group/group.ts";
import { Stock } from "./stock.ts";

export interface PullerOptions {
  readonly group: Pick<Group, "term">;
  readonly blocks: Pick<BlockService, "devices" | "report">;
  readonly clock: Clock;
  /** When the last heartbeat of a device came; default: it is asked itself. */
  readonly heardMs: (device: DeviceId) => number | undefined;
  readonly report: (message: string) => void;
}

export class Puller implements AsyncDisposable {
  readonly stock: Stock = new Stock();
  readonly #options: PullerOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #underWay = new Map<DeviceId, Promise<void>>();
  readonly #complaints = new Set<DeviceId>();
  #term: Group["term"] | undefined;
  #termSinceMs = 0;

  constructor(options: PullerOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await Promise.all(this.#underWay.values());
  }

  /** Looks at every device once; those that are slow answer in their own time. */
  async look(): Promise<void> {
    const { group, blocks, clock, heardMs } = this.#options;
    if (group.term !== this.#term) {
      this.#term = group.term;
      this.#termSinceMs = clock.monotonicMs();
      this.stock.begin(group.term);
    }
    const askedMs = clock.monotonicMs();
    const statuses = await blocks.devices();
    const known = new Set(statuses.map(({ device }) => device));
    for (const device of [...this.stock.devices]) if (!known.has(device)) this.stock.forget(device);
    for (const { device, state, news } of statuses) {
      if (state === "down" || news === undefined || this.#underWay.has(device)) continue;
      const isOfTerm = (heardMs(device) ?? askedMs) >= this.#termSinceMs;
      if (!this.#lacks(device, news)) {
        if (isOfTerm) this.stock.heard(device, news);
      } else if (this.#underWay.size < limits.stockPulls) this.#pull(device, news, isOfTerm);
    }
  }

  /** Resolves when nobody is being asked: for tests. */
  async idle(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  #lacks(device: DeviceId, { era, number }: NonNullable<DeviceStatus["news"]>): boolean {
    const mark = this.stock.markOf(device);
    if (mark.era !== era) this.stock.restarted(device);
    return mark.era !== era || mark.number < number;
  }

  #pull(device: DeviceId, news: NewsMark, isOfTerm: boolean): void {
    const { term } = this.#options.group;
    const pulling = this.#ask(device)
      .then(() => {
        this.#complaints.delete(device);
        if (isOfTerm && term === this.#term) this.stock.heard(device, news);
      })
      .catch((error: unknown) => {
        // What it told before may not hold any more.
        this.stock.restarted(device);
        if (this.#complaints.has(device) || this.#stop.signal.aborted) return;
        this.#complaints.add(device);
        this.#options.report(`what device ${device} holds is not known yet: ${error}`);
      })
      .finally(() => this.#underWay.delete(device));
    this.#underWay.set(device, pulling);
  }

  async #ask(device: DeviceId): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const { blocks } = this.#options;
      const page = await blocks.report(device, this.stock.markOf(device), limits.reportBlocks);
      this.stock.told(device, page);
      if (!page.more) return;
    }
  }

  async #run(): Promise<void> {
    const { clock, report } = this.#options;
    let trouble = "";
    while (!this.#stop.signal.aborted) {
      try {
        await this.look();
        trouble = "";
      } catch (error) {
        if (String(error) !== trouble) report(`block reports are tried again: ${error}`);
        trouble = String(error);
      }
      await sleep(clock, limits.stockLookMs, this.#stop.signal);
    }
  }
}
