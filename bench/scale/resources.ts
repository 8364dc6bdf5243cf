/** Disks, processes and links: each serves what it is asked for one after the other. Times in milliseconds. */

export class Resource {
  readonly #bytesPerMs: number;
  #freeMs = 0;
  #busyMs = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1_000;
  }

  /** When it is done with that, after all it was asked for before. */
  take(nowMs: number, bytes: number, moreMs = 0): number {
    const tookMs = bytes / this.#bytesPerMs + moreMs;
    this.#freeMs = Math.max(nowMs, this.#freeMs) + tookMs;
    this.#busyMs += tookMs;
    return this.#freeMs;
  }

  /** Since this was asked before. */
  takeBusyMs(): number {
    const busyMs = this.#busyMs;
    this.#busyMs = 0;
    return busyMs;
  }
}

/** Those of one kind, made when they are first asked for. */
export class Resources {
  readonly #rate: number;
  readonly #all = new Map<number, Resource>();

  constructor(bytesPerSecond: number) {
    this.#rate = bytesPerSecond;
  }

  of(number: number): Resource {
    let one = this.#all.get(number);
    if (one === undefined) {
      one = new Resource(this.#rate);
      this.#all.set(number, one);
    }
    return one;
  }

  /** How busy they were in that time, 0 … 1: over all `count` of them, and the busiest. */
  takeUse(overMs: number, count: number): { readonly mean: number; readonly most: number } {
    const busy = [...this.#all.values()].map((one) => one.takeBusyMs() / Math.max(1, overMs));
    return {
      mean: busy.reduce((sum, one) => sum + one, 0) / Math.max(1, count),
      most: Math.max(0, ...busy),
    };
  }
}
