/**
 * A file that is open, opened once more past the system's cache (`O_DIRECT`). The system takes whole pages
 * at offsets of whole pages, to and from memory that begins on a page.
 */
import * as fs from "node:fs";

/** The largest that a disk or file system asks for. */
export const PAGE_BYTES = 4096;

/** Undefined where the system has no such way (it is Linux's). */
const DIRECT: number | undefined = fs.constants.O_DIRECT;

export class DirectWay {
  readonly #opened: number;
  readonly #flags: number;
  #fd: Promise<number | undefined> | undefined;

  /** `opened`: the file's descriptor, which stays open longer than this. */
  constructor(opened: number, flags: number) {
    this.#opened = opened;
    this.#flags = flags;
  }

  /** Its descriptor; undefined where there is no such way: the other one does the same. */
  open(): Promise<number | undefined> {
    this.#fd ??= this.#open();
    return this.#fd;
  }

  async close(): Promise<void> {
    const fd = await this.#fd;
    if (fd === undefined) return;
    await new Promise<void>((resolve, reject) => {
      fs.close(fd, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  #open(): Promise<number | undefined> {
    if (DIRECT === undefined) return Promise.resolve(undefined);
    // The same file, whatever became of its name meanwhile.
    const same = `/proc/self/fd/${this.#opened}`;
    return new Promise((resolve) => {
      fs.open(same, this.#flags | DIRECT, (error, fd) => {
        resolve(error === null ? fd : undefined);
      });
    });
  }
}
