/** The real disk, over `node:fs` callbacks (half the cost of the promise API per call). */
import * as fs from "node:fs";
import { dirname } from "node:path";
import { payloadPool } from "./buffer-pool.ts";
import { systemClock } from "./clock.ts";
import { DirectWriter, PAGE_BYTES, sliceOf } from "./direct-write.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { assert, QuarryError } from "./errors.ts";
import { limits } from "./limits.ts";
import { lockDirectory } from "./lock.ts";

const FLAGS = { read: "r", write: "r+", create: "wx+" } as const;
/** Linux takes at most this many buffers in one writev. */
const IOV_MAX = 1024;
/** Of some small parts one copy is cheaper than a system call that gathers them. */
const COPIED_BYTES = 128 * 1024;
/** Elsewhere it is not as strong as what `fdatasync` does there. */
const DURABLE_FLAGS =
  process.platform === "linux" ? fs.constants.O_RDWR | fs.constants.O_DSYNC : undefined;

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
  /** The same file once more, of which each write is durable; undefined where that cannot be had. */
  #durable: Promise<number | undefined> | undefined;
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
  async write(parts: readonly Uint8Array[], offset: number, isTouchedSoon = false): Promise<void> {
    const lengthBytes = parts.reduce((sum, part) => sum + part.length, 0);
    if (isTouchedSoon || lengthBytes < limits.directBytes)
      return await this.#writeCached(this.#fd, parts, offset);
    const first = Math.ceil(offset / PAGE_BYTES) * PAGE_BYTES - offset;
    const last = Math.floor((offset + lengthBytes) / PAGE_BYTES) * PAGE_BYTES - offset;
    const pages = sliceOf(parts, first, last);
    const done = first + (await this.#writeDirect(pages, offset + first, last - first));
    await this.#writeCached(this.#fd, sliceOf(parts, 0, first), offset);
    await this.#writeCached(this.#fd, sliceOf(parts, done, lengthBytes), offset + done);
  }

  async #writeDirect(parts: readonly Uint8Array[], offset: number, lengthBytes: number) {
    try {
      return await this.#direct.write(parts, offset, lengthBytes);
    } catch (error) {
      throw asOperatingError(error as NodeJS.ErrnoException, this.path);
    }
  }

  async writeThrough(parts: readonly Uint8Array[], offset: number): Promise<void> {
    this.#durable ??= openDurable(this.#fd);
    const durable = await this.#durable;
    await this.#writeCached(durable ?? this.#fd, parts, offset);
    if (durable === undefined) await this.sync();
  }

  async #writeCached(fd: number, parts: readonly Uint8Array[], offset: number): Promise<void> {
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    if (parts.length > 1 && bytes <= COPIED_BYTES) {
      const whole = payloadPool.take(bytes);
      let at = 0;
      for (const part of parts) {
        whole.set(part, at);
        at += part.length;
      }
      await this.#writeGroup(fd, [whole], offset);
      payloadPool.give(whole);
      return;
    }
    let at = offset;
    for (let first = 0; first < parts.length; first += IOV_MAX) {
      const group = parts.slice(first, first + IOV_MAX);
      at += await this.#writeGroup(fd, group, at);
    }
  }

  #writeGroup(fd: number, parts: Uint8Array[], offset: number): Promise<number> {
    const wanted = parts.reduce((sum, part) => sum + part.length, 0);
    return new Promise((resolve, reject) => {
      fs.writev(fd, parts, offset, (error, written) => {
        if (error !== null) reject(asOperatingError(error, this.path));
        else if (written === wanted) resolve(wanted);
        else if (written === 0)
          reject(new QuarryError("DiskFull", `no progress writing ${this.path}`));
        else {
          const rest = Buffer.concat(parts).subarray(written);
          this.#writeGroup(fd, [rest], offset + written).then(() => resolve(wanted), reject);
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
    const durable = await this.#durable;
    if (durable !== undefined) await closeFile(durable);
    await closeFile(this.#fd);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function openFile(path: string, flags: string | number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(path, flags, 0o600, (error, fd) => {
      if (error === null) resolve(fd);
      else reject(asOperatingError(error, path));
    });
  });
}

/** By its number, not by its path, where another file may be by now. */
async function openDurable(fd: number): Promise<number | undefined> {
  if (DURABLE_FLAGS === undefined) return undefined;
  return await openFile(`/proc/self/fd/${fd}`, DURABLE_FLAGS).catch(() => undefined);
}

function closeFile(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.close(fd, (error) => (error === null ? resolve() : reject(error)));
  });
}

/**
 * Node's own recursive mkdir never ends, and heeds no signal, where a folder is there but takes no
 * other (`/proc/x`): it makes the parent, which is there, again and again.
 */
async function makeDirectory(directory: string, isParentThere = false): Promise<void> {
  try {
    await fs.promises.mkdir(directory, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await fs.promises.stat(directory)).isDirectory()) return;
    if (code !== "ENOENT" || isParentThere) throw error;
    const parent = dirname(directory);
    // Somebody else may have made it meanwhile.
    if (!(await nodeDisk.exists(parent))) await makeDirectory(parent);
    await makeDirectory(directory, true);
  }
}

export const nodeDisk: Disk = {
  open: async (path, mode) => new NodeFile(path, await openFile(path, FLAGS[mode])),
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
  makeDirectory: (directory) => makeDirectory(directory),
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
