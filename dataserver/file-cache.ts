/**
 * Open handles for reading, at most so many, the longest unused closed first. A handle in use is
 * never closed under its user.
 */
import type { Disk, DiskFile } from "../base/disk.ts";

interface Entry {
  readonly opening: Promise<DiskFile>;
  users: number;
  /** Taken out of the cache: its last user closes it. */
  forgotten: boolean;
}

export class FileCache implements AsyncDisposable {
  readonly #disk: Disk;
  readonly #maxOpen: number;
  /** In the order of last use. */
  readonly #entries = new Map<string, Entry>();

  constructor(disk: Disk, maxOpen: number) {
    this.#disk = disk;
    this.#maxOpen = maxOpen;
  }

  /** Runs with an open handle of `path`. */
  async use<T>(path: string, run: (file: DiskFile) => Promise<T>): Promise<T> {
    const entry = this.#entries.get(path) ?? this.#open(path);
    this.#entries.delete(path);
    this.#entries.set(path, entry);
    entry.users++;
    try {
      return await run(await entry.opening);
    } finally {
      entry.users--;
      if (entry.forgotten && entry.users === 0) await close(entry);
    }
  }

  /** What is behind `path` is not what it was: the next use opens it anew. */
  async forget(path: string): Promise<void> {
    const entry = this.#entries.get(path);
    if (entry === undefined) return;
    this.#entries.delete(path);
    entry.forgotten = true;
    if (entry.users === 0) await close(entry);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const path of [...this.#entries.keys()]) await this.forget(path);
  }

  #open(path: string): Entry {
    const entry: Entry = { opening: this.#make(path), users: 0, forgotten: false };
    entry.opening.catch(() => {
      if (this.#entries.get(path) === entry) this.#entries.delete(path);
    });
    return entry;
  }

  async #make(path: string): Promise<DiskFile> {
    await this.#makeRoom();
    return await this.#disk.open(path, "read");
  }

  async #makeRoom(): Promise<void> {
    for (const [path, entry] of this.#entries) {
      if (this.#entries.size < this.#maxOpen) return; // room for the one to come
      if (entry.users === 0) await this.forget(path);
    }
  }
}

async function close(entry: Entry): Promise<void> {
  const file = await entry.opening.catch(() => undefined); // its user was told
  await file?.close();
}
