/** The real disk, over `node:fs` callbacks (half the cost of the promise API per call). */
import * as fs from "node:fs";
import { dirname } from "node:path";
import { systemClock } from "./clock.ts";
import { DirectWriter, PAGE_BYTES, sliceOf } from "./direct-write.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { assert, QuarryError } from "./errors.ts";
import { limits } from "./limits.ts";
import { lockDirectory } from "./lock.ts";

const FLAGS = { read: "r", write: "r+", create: "wx+" } as const;
/** Linux takes at most this many buffers in one writev. */
const IOV_MAX = 1024;

function asOperatingError(error: NodeJS.ErrnoException, path: string): Error {
  if (error.code === "ENOSPC" || error.code === "EDQUOT")
    return new QuarryError("DiskFull", `no space left for ${path}`, { cause: error });
  if (error.code === "EIO" || error.code === "EROFS")
    return new QuarryError("DiskFailed", `${path}: ${error.message}`, { cause: error });
  return error;
}

/**
 * Small reads of what the system has in memory take 2 µs in place and 20 µs by way of the thread
 * pool. Whether it has them shows only in the doing: after one slow read the next ones go to the
 * pool, so that a disk that must be waited for holds up the event loop once in {@link REST_READS}.
 */
class ReadsInPlace {
  #resting = 0;

  allows(lengthBytes: number): boolean {
    if (lengthBytes > IN_PLACE_BYTES) return false;
    if (this.#resting === 0) return true;
    this.#resting--;
    return false;
  }

  took(elapsedMs: number): void {
    if (elapsedMs > SLOW_READ_MS) this.#resting = REST_READS;
  }
}

const IN_PLACE_BYTES = 128 * 1024;
const SLOW_READ_MS = 0.25;
const REST_READS = 256;
const readsInPlace = new ReadsInPlace();

class NodeFile implements DiskFile {
  readonly path: string;
  readonly #fd: number;
  readonly #direct: DirectWriter;
  #closed = false;

  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
    this.#direct = new DirectWriter(fd);
  }

  async read(target: Uint8Array, offset: number): Promise<number> {
    if (!readsInPlace.allows(target.length)) return await this.#readInPool(target, offset);
    const startedMs = systemClock.monotonicMs();
    try {
      const got = fs.readSync(this.#fd, target, 0, target.length, offset);
      readsInPlace.took(systemClock.monotonicMs() - startedMs);
      // A short read is the end of the file, or an interruption that the pool's way sorts out.
      return got === target.length ? got : await this.#readInPool(target, offset);
    } catch (error) {
      throw asOperatingError(error as NodeJS.ErrnoException, this.path);
    }
  }

  #readInPool(target: Uint8Array, offset: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const step = (done: number) => {
        fs.read(this.#fd, target, done, target.length - done, offset + done, (error, got) => {
          if (error !== null) reject(asOperatingError(error, this.path));
          else if (got === 0 || done + got === target.length) resolve(done + got);
          else step(done + got);
        });
      };
      step(0);
    });
  }

  /** Of a long write the whole pages go past the system's cache. */
  async write(parts: readonly Uint8Array[], offset: number): Promise<void> {
    const lengthBytes = parts.reduce((sum, part) => sum + part.length, 0);
    if (lengthBytes < limits.directBytes) return await this.#writeCached(parts, offset);
    const first = Math.ceil(offset / PAGE_BYTES) * PAGE_BYTES - offset;
    const last = Math.floor((offset + lengthBytes) / PAGE_BYTES) * PAGE_BYTES - offset;
    const pages = sliceOf(parts, first, last);
    const done = first + (await this.#writeDirect(pages, offset + first, last - first));
    await this.#writeCached(sliceOf(parts, 0, first), offset);
    await this.#writeCached(sliceOf(parts, done, lengthBytes), offset + done);
  }

  async #writeDirect(parts: readonly Uint8Array[], offset: number, lengthBytes: number) {
    try {
      return await this.#direct.write(parts, offset, lengthBytes);
    } catch (error) {
      throw asOperatingError(error as NodeJS.ErrnoException, this.path);
    }
  }

  async #writeCached(parts: readonly Uint8Array[], offset: number): Promise<void> {
    let at = offset;
    for (let first = 0; first < parts.length; first += IOV_MAX) {
      const group = parts.slice(first, first + IOV_MAX);
      at += await this.#writeGroup(group, at);
    }
  }

  #writeGroup(parts: Uint8Array[], offset: number): Promise<number> {
    const wanted = parts.reduce((sum, part) => sum + part.length, 0);
    return new Promise((resolve, reject) => {
      fs.writev(this.#fd, parts, offset, (error, written) => {
        if (error !== null) reject(asOperatingError(error, this.path));
        else if (written === wanted) resolve(wanted);
        else if (written === 0)
          reject(new QuarryError("DiskFull", `no progress writing ${this.path}`));
        else {
          const rest = Buffer.concat(parts).subarray(written);
          this.#writeGroup([rest], offset + written).then(() => resolve(wanted), reject);
        }
      });
    });
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#fd, (error) => {
        if (error === null) resolve();
        else reject(asOperatingError(error, this.path));
      });
    });
  }

  async truncate(lengthBytes: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      fs.ftruncate(this.#fd, lengthBytes, (error) => {
        if (error === null) resolve();
        else reject(asOperatingError(error, this.path));
      });
    });
  }

  async lengthBytes(): Promise<number> {
    return await new Promise((resolve, reject) => {
      fs.fstat(this.#fd, (error, stat) => {
        if (error === null) resolve(stat.size);
        else reject(asOperatingError(error, this.path));
      });
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#direct.close();
    await new Promise<void>((resolve, reject) => {
      fs.close(this.#fd, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Node's own recursive mkdir never ends, and heeds no signal, where a folder is there but takes no
 * other (`/proc/x`): it makes the parent, which is there, again and again.
 */
async function makeDirectory(directory: string): Promise<void> {
  const make = () => fs.promises.mkdir(directory, { mode: 0o700 });
  try {
    await make();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await fs.promises.stat(directory)).isDirectory()) return;
    const parent = dirname(directory);
    if (code !== "ENOENT" || (await nodeDisk.exists(parent))) throw error;
    await makeDirectory(parent);
    await makeDirectory(directory);
  }
}

export const nodeDisk: Disk = {
  open(path, mode) {
    return new Promise((resolve, reject) => {
      fs.open(path, FLAGS[mode], 0o600, (error, fd) => {
        if (error === null) resolve(new NodeFile(path, fd));
        else reject(asOperatingError(error, path));
      });
    });
  },
  async list(directory) {
    try {
      return (await fs.promises.readdir(directory)).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  },
  exists: (path) =>
    fs.promises.access(path).then(
      () => true,
      () => false,
    ),
  makeDirectory,
  rename: (from, to) => fs.promises.rename(from, to),
  remove: (path) => fs.promises.rm(path, { force: true }),
  async syncDirectory(directory) {
    assert(directory !== "", "a folder to sync has a name");
    const handle = await fs.promises.open(directory, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  async space(directory) {
    const stat = await fs.promises.statfs(directory);
    return { totalBytes: stat.blocks * stat.bsize, freeBytes: stat.bavail * stat.bsize };
  },
  lock: async (directory) => lockDirectory(directory, systemClock.nowMs()),
};
