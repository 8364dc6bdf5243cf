/** How much room a device has, asked of the system at most once a second. */
import type { Clock } from "../base/clock.ts";
import type { Disk, DiskSpace } from "../base/disk.ts";

const ASK_EVERY_MS = 1000;
/** This part of the reserve. */
const MARGIN = 8;

export class FreeSpace {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #directory: string;
  readonly #reserveBytes: number;
  #space: DiskSpace = { totalBytes: 0, freeBytes: 0 };
  #usedSince = 0;
  #isFull = false;
  #isGone = false;
  #askedMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;

  constructor(disk: Disk, clock: Clock, directory: string, reserveBytes: number) {
    this.#disk = disk;
    this.#clock = clock;
    this.#directory = directory;
    this.#reserveBytes = reserveBytes;
  }

  async now(): Promise<DiskSpace> {
    if (this.#clock.monotonicMs() - this.#askedMs >= ASK_EVERY_MS) await this.ask();
    return this.#space;
  }

  /** True when so many bytes fit without touching the reserve; counts them as used. Mostly known at once. */
  take(bytes: number): boolean | Promise<boolean> {
    if (this.#clock.monotonicMs() - this.#askedMs < ASK_EVERY_MS) return this.#take(bytes);
    return this.ask().then(() => this.#take(bytes));
  }

  #take(bytes: number): boolean {
    this.#look(bytes);
    if (this.#isFull) return false;
    this.#usedSince += bytes;
    return true;
  }

  async isFull(): Promise<boolean> {
    await this.now();
    this.#look(0);
    return this.#isFull;
  }

  /** Who is full stays so until there is some room more, or it would be so again and again. */
  #look(bytes: number): void {
    const leftBytes = this.#space.freeBytes - this.#usedSince - this.#reserveBytes;
    if (leftBytes < bytes) this.#isFull = true;
    else if (leftBytes >= bytes + this.#reserveBytes / MARGIN) this.#isFull = false;
  }

  /** The system did not say, when it was asked last. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Asks the system now. */
  async ask(): Promise<void> {
    this.#asking ??= this.#disk
      .space(this.#directory)
      .then(
        (space) => {
          this.#space = space;
          this.#isGone = false;
        },
        // Taken out, or dead: nothing fits there until it answers again.
        () => {
          this.#space = { ...this.#space, freeBytes: 0 };
          this.#isGone = true;
        },
      )
      .then(() => {
        this.#usedSince = 0;
        this.#askedMs = this.#clock.monotonicMs();
      })
      .finally(() => {
        this.#asking = undefined;
      });
    await this.#asking;
  }
}
