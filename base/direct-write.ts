/**
 * Long writes past the system's cache. Through it every byte is copied into a page that is new each
 * time, which on some machines costs thirty times what the disk's own work does (docs/performance.md);
 * and it pushes out what is read often, for bytes that are read later, if ever.
 *
 * The system takes whole pages at offsets of whole pages, from memory that begins on a page. So the
 * bytes are copied into windows of such memory, which are used again and stay in the processor's cache.
 */
import * as fs from "node:fs";
import { limits } from "./limits.ts";

/** The largest that a disk or file system asks for. */
export const PAGE_BYTES = 4096;

/** Undefined where the system has no such way (it is Linux's). */
const DIRECT: number | undefined = fs.constants.O_DIRECT;

/** The windows of this process: who wants one waits its turn. */
class Windows {
  readonly #free: Buffer[];
  readonly #waiting: ((window: Buffer) => void)[] = [];

  constructor(count: number, windowBytes: number) {
    // WebAssembly's memory begins on a page, which nothing else in JavaScript promises. It takes room when touched.
    const pages = (count * windowBytes) / 65_536;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.#free = Array.from({ length: count }, (_, i) =>
      Buffer.from(memory.buffer, i * windowBytes, windowBytes),
    );
  }

  async take(): Promise<Buffer> {
    return this.#free.pop() ?? (await new Promise((resolve) => this.#waiting.push(resolve)));
  }

  give(window: Buffer): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(window);
    else next(window);
  }
}

let windows: Windows | undefined;

/** The bytes [from, to) of parts that stand one behind the other. */
export function sliceOf(parts: readonly Uint8Array[], from: number, to: number): Uint8Array[] {
  const slices: Uint8Array[] = [];
  let at = 0;
  for (const part of parts) {
    const start = Math.max(from - at, 0);
    const end = Math.min(to - at, part.length);
    if (start < end) slices.push(end - start === part.length ? part : part.subarray(start, end));
    at += part.length;
    if (at >= to) break;
  }
  return slices;
}

/** A second way into a file that is open, for whole pages. */
export class DirectWriter {
  readonly #opened: number;
  #fd: Promise<number | undefined> | undefined;

  /** `opened`: the file's descriptor, which stays open longer than this. */
  constructor(opened: number) {
    this.#opened = opened;
  }

  /**
   * Writes whole pages at an offset of whole pages; resolves with how many bytes of them were written:
   * fewer where the file does not take such writes (none), or not so many. The rest goes the other way.
   */
  async write(parts: readonly Uint8Array[], offset: number, lengthBytes: number): Promise<number> {
    this.#fd ??= this.#open();
    const fd = await this.#fd;
    if (fd === undefined) return 0;
    windows ??= new Windows(limits.directWindows, limits.directWindowBytes);
    const window = await windows.take();
    try {
      for (let done = 0; done < lengthBytes; ) {
        const bytes = Math.min(window.length, lengthBytes - done);
        let at = 0;
        for (const slice of sliceOf(parts, done, done + bytes)) {
          window.set(slice, at);
          at += slice.length;
        }
        const written = await this.#write(fd, window.subarray(0, bytes), offset + done);
        done += written;
        if (written < bytes) return done;
      }
      return lengthBytes;
    } finally {
      windows.give(window);
    }
  }

  async close(): Promise<void> {
    const fd = await this.#fd;
    if (fd === undefined) return;
    await new Promise<void>((resolve, reject) => {
      fs.close(fd, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  /** Undefined where there is no such way: the other one does the same. */
  #open(): Promise<number | undefined> {
    if (DIRECT === undefined) return Promise.resolve(undefined);
    // The same file, whatever became of its name meanwhile.
    const same = `/proc/self/fd/${this.#opened}`;
    return new Promise((resolve) => {
      fs.open(same, fs.constants.O_WRONLY | DIRECT, (error, fd) => {
        resolve(error === null ? fd : undefined);
      });
    });
  }

  #write(fd: number, bytes: Buffer, offset: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.write(fd, bytes, 0, bytes.length, offset, (error, written) => {
        if (error === null) resolve(written);
        // Some file systems only say so here.
        else if (error.code === "EINVAL") resolve(0);
        else reject(error);
      });
    });
  }
}
