/**
 * A file that grows at its end, shared by blocks and by the metadata log. All appends that wait
 * are written and made durable together (group commit).
 *
 * Small groups write a run of zeros behind themselves, so that later small groups overwrite
 * allocated space: syncing those needs no change of the file's metadata. Readers therefore find
 * the tail by the records, never by the file's length.
 *
 * Each record may state how far the file was synced before it; so only the last synced group cannot be told
 * from one that a crash tore. In an idle file a `mark`, itself not synced, closes this gap but for some ms.
 */
import type { Clock, Timer } from "./clock.ts";
import type { DiskFile } from "./disk.ts";
import { assert, hasCode, QuarryError } from "./errors.ts";
import { IdleMark } from "./idle-mark.ts";
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
  /** A record that states only how far the file is synced; absent: no marks. */
  readonly mark?: { readonly lengthBytes: number; readonly build: BuildRecord };
  /** Zeros to write ahead; default `limits.extendBytes`. */
  readonly extendBytes?: number;
  /** Called once when the file fails for good (INV-8). */
  readonly onFailure?: (failure: QuarryError) => void;
}

const allZeros = Buffer.alloc(limits.extendBytes);

export class AppendFile implements AsyncDisposable {
  readonly file: DiskFile;
  readonly #state: AppendFileState;
  readonly #zeros: Buffer;
  #tailBytes: number;
  #writtenBytes: number;
  #syncedBytes: number;
  /** Nothing that was written, in this life or before, still needs a sync. */
  #isSynced = false;
  #allocatedBytes: number;
  /** Absent: the file has no marks. */
  readonly #idleMark: IdleMark | undefined;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #syncTimer: Timer | undefined;
  #timedSync: Promise<void> | undefined;
  #syncing: Promise<void> | undefined;
  #failure: QuarryError | undefined;
  /** While it closes: an append would be written beside the mark, or into a file that is closed. */
  #closing: QuarryError | undefined;

  constructor(state: AppendFileState) {
    this.file = state.file;
    this.#state = state;
    this.#zeros = allZeros.subarray(0, state.extendBytes ?? limits.extendBytes);
    this.#tailBytes = state.tailBytes;
    this.#writtenBytes = state.tailBytes;
    this.#syncedBytes = state.syncedBytes;
    this.#allocatedBytes = state.tailBytes;
    const { clock, tailBytes } = state;
    const marks = {
      ...{ clock, tailBytes, standing: () => this.#standing() },
      write: () => {
        this.#running = this.#run(true);
      },
    };
    this.#idleMark = state.mark && new IdleMark(marks);
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
    const refusal = this.#failure ?? this.#closing;
    if (refusal !== undefined) return Promise.reject(refusal);
    if (this.#waiting.length >= limits.appendQueue)
      return Promise.reject(new QuarryError("Busy", `too many appends wait for ${this.file.path}`));
    this.#tailBytes += lengthBytes;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#waiting.push({ lengthBytes, build, resolve, reject });
    this.#running ??= this.#run(false);
    return promise;
  }

  /** Waits for all accepted appends and makes them durable, whatever the mode. */
  async flush(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    const isSynced = [this.#syncedBytes, this.#idleMark?.endBytes].includes(this.#writtenBytes);
    if (this.#failure === undefined && !isSynced)
      await this.#sync().catch((error: unknown) => this.#fail(error, []));
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Flushes, marks (unless told not to) and closes the file. */
  async close(options: { readonly mark: boolean } = { mark: true }): Promise<void> {
    this.#closing = new QuarryError("Closed", `${this.file.path} is closed`);
    for (const one of [this.#syncTimer, this.#idleMark]) one?.cancel();
    try {
      await this.#timedSync;
      if (this.#failure === undefined) await this.flush();
      // A sync of the flush wants its mark, too: written twice it would stand in one place and count for two.
      this.#idleMark?.cancel();
      if (options.mark && this.#idleMark?.isDue() === true) await this.#run(true);
    } finally {
      this.#idleMark?.cancel();
      this.#failure ??= this.#closing;
      await this.file.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(markFirst: boolean): Promise<void> {
    if (markFirst) await this.#writeMark();
    // The appends of this tick all join the first group.
    else await Promise.resolve();
    while (this.#waiting.length > 0) {
      // So do those of requests that have come: larger groups, fewer syncs.
      await this.#state.clock.endOfTurn?.();
      const group = this.#takeGroup();
      try {
        const offsets = await this.#writeGroup(group, this.#state.durability === "commit");
        if (this.#state.durability === "commit") await this.#sync();
        else if (this.#state.durability === "interval") this.#syncSoon();
        for (const [i, one] of group.entries()) one.resolve(offsets[i] ?? 0);
      } catch (error) {
        await this.#fail(error, group);
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

  /** `durably`: it may be durable at the end already. */
  async #writeGroup(
    group: readonly Pick<Waiting, "build" | "lengthBytes">[],
    durably: boolean,
  ): Promise<number[]> {
    const start = this.#writtenBytes;
    const parts: Uint8Array[] = [];
    const offsets: number[] = [];
    let end = start;
    for (const one of group) {
      const built = one.build(end, this.#syncedBytes);
      offsets.push(end);
      parts.push(...built);
      const builtBytes = built.reduce((sum, part) => sum + part.length, 0);
      assert(builtBytes === one.lengthBytes, "a record has its announced length");
      end += builtBytes;
    }
    // Zeros go through the cache: others would be read for the first small write over each page.
    const isAhead = end > this.#allocatedBytes && end - start < this.#zeros.length / 4;
    if (isAhead) parts.push(this.#zeros);
    const allocated = Math.max(end + (isAhead ? this.#zeros.length : 0), this.#allocatedBytes);
    // Over zeros that are there the write can be durable by itself: one call less, and one wait.
    const isThrough = durably && this.#isSynced && allocated === this.#allocatedBytes;
    this.#isSynced = false;
    if (isThrough)
      await this.file.writeThrough(parts, start).catch((error: unknown) => {
        // Some file systems need room for what they overwrite: nothing else was to be saved.
        if (hasCode(error, "DiskFull")) throw error;
        this.#syncFailed(error);
      });
    else await this.file.write(parts, start, isAhead);
    this.#isSynced = false;
    this.#writtenBytes = end;
    this.#allocatedBytes = allocated;
    if (isThrough) this.#synced(end);
    return offsets;
  }

  #synced(upTo: number): void {
    this.#syncedBytes = Math.max(this.#syncedBytes, upTo);
    this.#isSynced = this.#syncedBytes === this.#writtenBytes;
    this.#idleMark?.soon();
  }

  /** One at a time: of several at once only one would hear that their bytes are lost. */
  async #sync(): Promise<void> {
    while (this.#syncing !== undefined) await this.#syncing;
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isSynced) return;
    const upTo = this.#writtenBytes;
    this.#syncing = this.file.sync().catch((error: unknown) => this.#syncFailed(error));
    await this.#syncing.finally(() => (this.#syncing = undefined));
    this.#synced(upTo);
  }

  #syncFailed(cause: unknown): never {
    throw new QuarryError("DiskFailed", `sync of ${this.file.path} failed`, { cause });
  }

  #syncSoon(): void {
    this.#syncTimer ??= this.#state.clock.after(SYNC_INTERVAL_MS, () => {
      this.#syncTimer = undefined;
      this.#timedSync = this.#sync().catch((error: unknown) => this.#fail(error, []));
    });
  }

  #standing() {
    return {
      ...{ writtenBytes: this.#writtenBytes, syncedBytes: this.#syncedBytes },
      ...{ isRunning: this.#running !== undefined, hasFailed: this.#failure !== undefined },
    };
  }

  async #writeMark(): Promise<void> {
    const mark = this.#state.mark;
    if (mark === undefined) return;
    this.#tailBytes += mark.lengthBytes;
    try {
      await this.#writeGroup([mark], false);
      this.#idleMark?.written(this.#writtenBytes);
    } catch (error) {
      await this.#fail(error, []);
    }
  }

  /**
   * A full disk fails the waiting appends only, and what was written of them is cut off again.
   * Anything else is final for the file.
   */
  async #fail(error: unknown, group: readonly Waiting[]): Promise<void> {
    let final = hasCode(error, "DiskFull") ? undefined : error;
    if (final === undefined) {
      this.#allocatedBytes = this.#writtenBytes;
      await this.file.truncate(this.#writtenBytes).catch((failed: unknown) => {
        final = failed;
      });
    }
    if (final !== undefined && this.#failure === undefined) {
      this.#failure =
        final instanceof QuarryError
          ? final
          : new QuarryError("DiskFailed", `${this.file.path} cannot be written`, { cause: final });
      this.#state.onFailure?.(this.#failure);
    }
    for (const one of [...group, ...this.#waiting.splice(0)]) one.reject(this.#failure ?? error);
    this.#tailBytes = this.#writtenBytes;
  }
}
