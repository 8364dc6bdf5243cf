/**
 * A file that grows at its end, shared by blocks and by the metadata log. All appends that wait
 * are written with one writev and made durable with one fdatasync (group commit).
 *
 * Small groups write a run of zeros behind themselves, so that later small groups overwrite
 * allocated space: syncing those needs no change of the file's metadata. Readers therefore find
 * the tail by the records, never by the file's length.
 */
import type { Clock, Timer } from "./clock.ts";
import type { DiskFile } from "./disk.ts";
import { assert, hasCode, QuarryError } from "./errors.ts";
import { limits } from "./limits.ts";

/**
 * When an append is answered: `commit` once it is on the disk, `interval` once it is written (a
 * sync follows within {@link SYNC_INTERVAL_MS}), `none` once it is written (the system decides).
 */
export type Durability = "commit" | "interval" | "none";

export const SYNC_INTERVAL_MS = 200;

/**
 * Makes the bytes of one record, knowing where it will stand and up to where the file is already
 * synced. The lengths must add up to the announced length.
 */
export type BuildRecord = (offset: number, syncedBytes: number) => readonly Uint8Array[];

interface Waiting {
  readonly lengthBytes: number;
  readonly build: BuildRecord;
  readonly resolve: (offset: number) => void;
  readonly reject: (error: unknown) => void;
}

export interface AppendFileState {
  readonly file: DiskFile;
  /** End of the last good record: where the next one goes. */
  readonly tailBytes: number;
  /** Up to where the file is known to be on the disk. */
  readonly syncedBytes: number;
  readonly durability: Durability;
  readonly clock: Clock;
}

const zeros = Buffer.alloc(limits.extendBytes);

export class AppendFile implements AsyncDisposable {
  readonly file: DiskFile;
  readonly #durability: Durability;
  readonly #clock: Clock;
  #tailBytes: number;
  #writtenBytes: number;
  #syncedBytes: number;
  #allocatedBytes: number;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #syncTimer: Timer | undefined;
  #failure: QuarryError | undefined;

  constructor(state: AppendFileState) {
    this.file = state.file;
    this.#durability = state.durability;
    this.#clock = state.clock;
    this.#tailBytes = state.tailBytes;
    this.#writtenBytes = state.tailBytes;
    this.#syncedBytes = state.syncedBytes;
    this.#allocatedBytes = state.tailBytes;
  }

  /** End of all appends accepted so far, written or not. */
  get tailBytes(): number {
    return this.#tailBytes;
  }

  /** Everything before this offset is on the disk. */
  get syncedBytes(): number {
    return this.#syncedBytes;
  }

  /** Why the file takes no more appends, if so. */
  get failure(): QuarryError | undefined {
    return this.#failure;
  }

  /** Appends one record; resolves with its offset when it is as durable as the mode promises. */
  append(lengthBytes: number, build: BuildRecord): Promise<number> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#waiting.length >= limits.appendQueue)
      return Promise.reject(new QuarryError("Busy", `too many appends wait for ${this.file.path}`));
    this.#tailBytes += lengthBytes;
    const done = new Promise<number>((resolve, reject) => {
      this.#waiting.push({ lengthBytes, build, resolve, reject });
    });
    this.#running ??= this.#run();
    return done;
  }

  /** Waits for all accepted appends and makes them durable, whatever the mode. */
  async flush(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#syncedBytes < this.#writtenBytes) await this.#sync();
  }

  /** Flushes and closes the file. */
  async close(): Promise<void> {
    this.#syncTimer?.cancel();
    try {
      if (this.#failure === undefined) await this.flush();
    } finally {
      this.#failure ??= new QuarryError("Closed", `${this.file.path} is closed`);
      await this.file.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(): Promise<void> {
    // One turn of the event loop lets all appends of this tick join the first group.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup();
      try {
        const offsets = await this.#writeGroup(group);
        if (this.#durability === "commit") await this.#sync();
        else if (this.#durability === "interval") this.#syncSoon();
        group.forEach((one, i) => {
          one.resolve(offsets[i] ?? 0);
        });
      } catch (error) {
        this.#fail(error, group);
      }
    }
    this.#running = undefined;
  }

  #takeGroup(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const one of this.#waiting) {
      if (count > 0 && bytes + one.lengthBytes > limits.appendGroupBytes) break;
      bytes += one.lengthBytes;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #writeGroup(group: readonly Waiting[]): Promise<number[]> {
    const start = this.#writtenBytes;
    const parts: Uint8Array[] = [];
    const offsets: number[] = [];
    let end = start;
    for (const one of group) {
      const built = one.build(end, this.#syncedBytes);
      offsets.push(end);
      let builtBytes = 0;
      for (const part of built) {
        parts.push(part);
        builtBytes += part.length;
      }
      assert(builtBytes === one.lengthBytes, "a record has its announced length");
      end += builtBytes;
    }
    let allocated = Math.max(end, this.#allocatedBytes);
    if (end > this.#allocatedBytes && end - start < limits.extendBytes / 4) {
      parts.push(zeros);
      allocated = end + zeros.length;
    }
    await this.file.write(parts, start);
    this.#writtenBytes = end;
    this.#allocatedBytes = allocated;
    return offsets;
  }

  async #sync(): Promise<void> {
    const upTo = this.#writtenBytes;
    try {
      await this.file.sync();
    } catch (error) {
      throw new QuarryError("DiskFailed", `sync of ${this.file.path} failed`, { cause: error });
    }
    this.#syncedBytes = Math.max(this.#syncedBytes, upTo);
  }

  #syncSoon(): void {
    this.#syncTimer ??= this.#clock.after(SYNC_INTERVAL_MS, () => {
      this.#syncTimer = undefined;
      this.#sync().catch((error: unknown) => this.#fail(error, []));
    });
  }

  /**
   * A full disk fails the waiting appends only: the tail goes back and the next group overwrites
   * what was written of this one. Anything else is final for the file.
   */
  #fail(error: unknown, group: readonly Waiting[]): void {
    const lost = [...group, ...this.#waiting.splice(0)];
    this.#tailBytes = this.#writtenBytes;
    if (!hasCode(error, "DiskFull"))
      this.#failure =
        error instanceof QuarryError
          ? error
          : new QuarryError("DiskFailed", `${this.file.path} cannot be written`, { cause: error });
    for (const one of lost) one.reject(this.#failure ?? error);
  }
}
