/**
 * Scrubbing as long as the server runs, each device by itself. Blocks that something could have hurt
 * since they were last read, and those that were just sealed, come first and at a quick pace; then
 * all of them slowly, again and again, whose reading is longest ago first. While blocks are made anew
 * on the device the pace is the slow one. Damage is noted and told by the scrub itself.
 */
import { type Clock, sleep } from "../base/clock.ts";
import type { BlockId, DeviceId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { Dataserver } from "./dataserver.ts";
import type { ScrubResult } from "./scrub.ts";

export interface ScrubbingOptions {
  readonly clock: Clock;
  /** Bytes read in a second; 0 turns scrubbing off. */
  readonly bytesPerSecond: number;
  /** … of blocks that come first. Default `limits.firstScrubBytesPerSecond`, or the other if faster. */
  readonly firstBytesPerSecond?: number;
  /** A block is read again when so much time has passed. */
  readonly restMs: number;
  readonly report: (message: string) => void;
}

export interface Scrubbing extends AsyncDisposable {
  /** Blocks that were read. */
  readonly blocks: number;
}

export function startScrubbing(dataserver: Dataserver, options: ScrubbingOptions): Scrubbing {
  const stopping = new AbortController();
  const { signal } = stopping;
  const counts = { blocks: 0 };
  const start = async () => {
    const devices = await dataserver.devices();
    const each = devices.map(({ device, path }) => {
      const work = { dataserver, device, path, options, signal, counts };
      return new Scrubber(work).run();
    });
    await Promise.all(each);
  };
  const running = options.bytesPerSecond > 0 ? start() : undefined;
  return {
    get blocks() {
      return counts.blocks;
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
    },
  };
}

interface Scrubbed {
  readonly dataserver: Dataserver;
  readonly device: DeviceId;
  readonly path: string;
  readonly options: ScrubbingOptions;
  readonly signal: AbortSignal;
  readonly counts: { blocks: number };
}

class Scrubber {
  readonly #of: Scrubbed;
  #lookAgainMs = 0;

  constructor(of: Scrubbed) {
    this.#of = of;
  }

  async run(): Promise<void> {
    const { options, signal } = this.#of;
    while (!signal.aborted) {
      await sleep(options.clock, limits.scrubLookMs, signal);
      await this.#lookForGone();
      await this.#first();
      await this.#due();
    }
  }

  /** What is gone is not read, and is told sooner than its turn to be read would come. */
  async #lookForGone(): Promise<void> {
    const { dataserver, device, path, options } = this.#of;
    const beganMs = options.clock.monotonicMs();
    if (beganMs < this.#lookAgainMs) return;
    await dataserver.letGoneGo(device).catch((error: unknown) => {
      options.report(`whether all files of ${path} are there is not known: ${String(error)}`);
    });
    const nowMs = options.clock.monotonicMs();
    const restMs = (nowMs - beganMs) * limits.goneFilesLookShare;
    this.#lookAgainMs = nowMs + Math.max(limits.goneFilesLookMs, restMs);
  }

  /** Blocks that come while others are read have their turn, too. */
  async #first(): Promise<void> {
    const { dataserver, device, options, signal } = this.#of;
    const { bytesPerSecond: slow, firstBytesPerSecond } = options;
    const quick = firstBytesPerSecond ?? Math.max(slow, limits.firstScrubBytesPerSecond);
    for (const block of dataserver.unread(device)) {
      if (signal.aborted) return;
      const isBusy = (await dataserver.rebuilds(device)).length > 0;
      await this.#read(block, isBusy ? Math.min(slow, quick) : quick);
    }
  }

  async #due(): Promise<void> {
    const { dataserver, device, options, signal } = this.#of;
    const { clock, restMs, bytesPerSecond } = options;
    for (const block of dataserver.longestUnread(device, clock.nowMs() - restMs)) {
      if (signal.aborted) return;
      await this.#read(block, bytesPerSecond);
      await this.#first();
    }
  }

  async #read(block: BlockId, bytesPerSecond: number): Promise<void> {
    const { dataserver, device, path, options, signal, counts } = this.#of;
    await this.#lookForGone();
    const result = await dataserver
      .scrub(device, { bytesPerSecond, signal }, block)
      .catch((error: unknown): ScrubResult => {
        options.report(`scrub of block ${block} on ${path} stopped: ${String(error)}`);
        dataserver.passOver(device, block);
        return { blocks: 0, bytes: 0, bad: 0 };
      });
    counts.blocks += result.blocks;
    if (result.bad > 0)
      options.report(`scrub: ${result.bad} damaged places in block ${block} on ${path}`);
  }
}
