/**
 * The append file of a block, open only as long as it is needed: an open block's from its first
 * append to its seal, a sealed block's while tombstones are written.
 */
import { AppendFile, type BuildRecord } from "../base/append-file.ts";
import type { BlockHome } from "./block.ts";
import { BARE_RECORD_BYTES } from "./record.ts";

export class BlockWriter {
  readonly #home: BlockHome;
  readonly #path: string;
  readonly #mark: BuildRecord;
  #tailBytes: number;
  #syncedBytes: number;
  #file: AppendFile | undefined;
  /** Still writes its mark. */
  #closingFile: AppendFile | undefined;
  #opening: Promise<AppendFile> | undefined;
  #closing: Promise<void> = Promise.resolve();
  #users = 0;

  constructor(home: BlockHome, path: string, tailBytes: number, mark: BuildRecord) {
    this.#home = home;
    this.#path = path;
    this.#mark = mark;
    this.#tailBytes = tailBytes;
    this.#syncedBytes = tailBytes;
  }

  get tailBytes(): number {
    return (this.#file ?? this.#closingFile)?.tailBytes ?? this.#tailBytes;
  }

  /** Up to where the file holds whole records that nobody is writing. */
  get settledBytes(): number {
    return (this.#file ?? this.#closingFile)?.syncedBytes ?? this.#tailBytes;
  }

  /** What was synced when the file was last closed: the index knows all that stands before it. */
  get closedBytes(): number {
    return this.#syncedBytes;
  }

  /** The append file, if it is open. */
  get opened(): AppendFile | undefined {
    return this.#file;
  }

  open(extendBytes = this.#home.extendBytes): Promise<AppendFile> {
    this.#opening ??= this.#closing.then(() => this.#open(extendBytes));
    return this.#opening;
  }

  /** Runs with the append file; with `briefly` the last one closes it. */
  async use(briefly: boolean, run: (file: AppendFile) => Promise<void>): Promise<void> {
    this.#users++;
    try {
      await run(await (briefly ? this.open(0) : this.open()));
    } finally {
      if (--this.#users === 0 && briefly) await this.close(true);
    }
  }

  /** Makes everything durable and closes the file, with a mark behind it or without. */
  async close(mark: boolean): Promise<void> {
    const file = this.#file;
    if (file === undefined) return await this.#closing;
    this.#file = undefined;
    this.#opening = undefined;
    this.#closingFile = file;
    const closing = file.close({ mark }).finally(() => {
      this.#closingFile = undefined;
      this.#tailBytes = file.tailBytes;
      this.#syncedBytes = file.syncedBytes;
    });
    // The next opening only waits; the error goes to who closes.
    this.#closing = closing.catch(() => undefined);
    await closing;
  }

  /** Takes away the zeros that were written ahead. Only when closed. */
  async cutAhead(): Promise<void> {
    await using file = await this.#home.disk.open(this.#path, "write");
    await file.truncate(this.#tailBytes);
    await file.sync();
    this.#syncedBytes = this.#tailBytes;
  }

  async #open(extendBytes: number): Promise<AppendFile> {
    const { disk, durability, clock, onFailure } = this.#home;
    try {
      this.#file = new AppendFile({
        file: await disk.open(this.#path, "write"),
        tailBytes: this.#tailBytes,
        syncedBytes: this.#syncedBytes,
        durability,
        clock,
        onFailure,
        mark: { lengthBytes: BARE_RECORD_BYTES, build: this.#mark },
        extendBytes,
      });
      return this.#file;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }
}
