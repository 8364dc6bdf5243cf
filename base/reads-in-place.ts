/**
 * What the system has in memory is read in place: a little takes 2 µs there and 20 µs by way of the
 * thread pool, and much is still in the caches of the core that looks at it and sends it. Whether the
 * system has it shows only in the doing, step by step: after one for which the disk was read the next
 * reads go to the pool, so that such a one holds up the event loop once in {@link REST_READS}.
 */
import { readSync } from "node:fs";
import { systemClock } from "./clock.ts";

const STEP_BYTES = 128 * 1024;
const SLOW_STEP_MS = 0.25;
const REST_READS = 256;

export class ReadsInPlace {
  readonly #mostBytes: number;
  /** So many reads go to the pool before one is done in place again … */
  #resting = 0;
  /** … and so many went before the last that was. */
  #rested = 1;
  #diskReads = 0;

  /** Reads of more than `mostBytes` always go to the pool. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /**
   * Returns how many bytes it has read: all, as many as could be had without waiting for more than one
   * step, or as many as the file has. Throws what `node:fs` throws.
   */
  read(fd: number, target: Uint8Array, offset: number): number {
    if (target.length > this.#mostBytes) return 0;
    if (this.#resting > 0) {
      this.#resting--;
      return 0;
    }
    let done = 0;
    let nowMs = systemClock.monotonicMs();
    while (done < target.length) {
      const wanted = Math.min(STEP_BYTES, target.length - done);
      const got = readSync(fd, target, done, wanted, offset + done);
      done += got;
      const sinceMs = nowMs;
      nowMs = systemClock.monotonicMs();
      if (!this.#goesOn(nowMs - sinceMs) || got < wanted) break;
    }
    return done;
  }

  /** Whether the next step may be done in place, too. */
  #goesOn(tookMs: number): boolean {
    if (tookMs <= SLOW_STEP_MS) {
      this.#rested = 1;
      return true;
    }
    // Who waits for a core is slow, too, but not again and again; and some file systems do not count.
    const { fsRead } = process.resourceUsage();
    const isOfDisk = fsRead !== this.#diskReads;
    this.#diskReads = fsRead;
    this.#rested = isOfDisk ? REST_READS : Math.min(this.#rested * 2, REST_READS);
    this.#resting = this.#rested;
    return false;
  }
}
