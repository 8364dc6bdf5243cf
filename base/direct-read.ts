/**
 * Long reads past the system's cache, of what is read once: through it every byte comes into a page that is
 * new each time and is copied out of it, which on some machines costs more than all that is done with it
 * (docs/performance.md), and what is read often is pushed out.
 */
import * as fs from "node:fs";
import { payloadPool } from "./buffer-pool.ts";
import { DirectWay, PAGE_BYTES } from "./direct-way.ts";

export class DirectReader {
  readonly #way: DirectWay;
  #isRefused = false;

  /** `opened`: the file's descriptor, which stays open longer than this. */
  constructor(opened: number) {
    this.#way = new DirectWay(opened, fs.constants.O_RDONLY);
  }

  /** Fewer bytes only at the end of the file; undefined where the file does not take such reads. */
  async read(offset: number, lengthBytes: number): Promise<Buffer | undefined> {
    const fd = this.#isRefused ? undefined : await this.#way.open();
    if (fd === undefined) return undefined;
    const from = Math.floor(offset / PAGE_BYTES) * PAGE_BYTES;
    const to = Math.ceil((offset + lengthBytes) / PAGE_BYTES) * PAGE_BYTES;
    const pages = payloadPool.takePages(to - from);
    try {
      const got = await readAll(fd, pages, from);
      if (got !== undefined)
        return pages.subarray(
          Math.min(offset - from, got),
          Math.min(offset - from + lengthBytes, got),
        );
      this.#isRefused = true;
      payloadPool.give(pages);
      return undefined;
    } catch (error) {
      payloadPool.give(pages);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#way.close();
  }
}

/** Bytes read; undefined where the file system only now says that it does not do this. */
async function readAll(fd: number, pages: Buffer, from: number): Promise<number | undefined> {
  for (let done = 0; ; ) {
    const got = await readSome(fd, pages.subarray(done), from + done);
    if (got === undefined) return undefined;
    done += got;
    // Part of a page is the end of the file.
    if (got === 0 || done === pages.length || done % PAGE_BYTES !== 0) return done;
  }
}

function readSome(fd: number, pages: Buffer, from: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    fs.read(fd, pages, 0, pages.length, from, (error, got) => {
      if (error === null) resolve(got);
      else if (error.code === "EINVAL") resolve(undefined);
      else reject(error);
    });
  });
}
