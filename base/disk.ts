/**
 * The disk seam. Everything that Quarry itself writes goes through a {@link Disk}, so that a test
 * can cut the power at any write, sync or rename (`disk-simulated.ts`).
 *
 * Contract: written bytes are durable after `sync` of their file; a created, renamed or removed
 * name is durable after `syncDirectory` of its folder. Until then a crash may keep any part.
 */

export interface DiskFile extends AsyncDisposable {
  readonly path: string;
  /** Fills `target` from `offset`; returns the bytes read, fewer only at the end of the file. */
  read(target: Uint8Array, offset: number): Promise<number>;
  /**
   * Writes all parts one after the other from `offset` with one system call where possible. A long write
   * may go past the cache, unless it `isTouchedSoon`.
   */
  write(parts: readonly Uint8Array[], offset: number, isTouchedSoon?: boolean): Promise<void>;
  /**
   * `write`, and these bytes are durable at its end, in one step where the system can (`O_DSYNC`). Of
   * what was written before and not synced it says nothing.
   */
  writeThrough(parts: readonly Uint8Array[], offset: number): Promise<void>;
  /** fdatasync. A failure is final for the file: what was written may be lost (INV-8). */
  sync(): Promise<void>;
  truncate(lengthBytes: number): Promise<void>;
  lengthBytes(): Promise<number>;
  close(): Promise<void>;
}

export interface DiskSpace {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/** A file, or what stands for one, to read from. */
export type ReadableBytes = Pick<DiskFile, "read">;

export interface Disk {
  /** `read`: must exist. `write`: must exist, reads too. `create`: must not exist. */
  open(path: string, mode: "read" | "write" | "create"): Promise<DiskFile>;
  /** Names in a folder, sorted; an absent folder is empty. */
  list(directory: string): Promise<string[]>;
  exists(path: string): Promise<boolean>;
  makeDirectory(directory: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; an absent one is no error. */
  remove(path: string): Promise<void>;
  syncDirectory(directory: string): Promise<void>;
  space(directory: string): Promise<DiskSpace>;
  /** Keeps other servers out until disposed or dead; throws `Locked` (`lock.ts`). */
  lock(directory: string): Promise<AsyncDisposable>;
}

/** The whole of a small file. */
export async function readWhole(disk: Disk, path: string): Promise<Buffer> {
  await using file = await disk.open(path, "read");
  const content = Buffer.alloc(await file.lengthBytes());
  const got = await file.read(content, 0);
  return content.subarray(0, got);
}

/** Replaces `path` so that after a crash either the old or the new content is there, whole. */
export async function replaceWhole(disk: Disk, path: string, content: Uint8Array): Promise<void> {
  const beside = `${path}.new`;
  await disk.remove(beside);
  {
    await using file = await disk.open(beside, "create");
    await file.write([content], 0);
    await file.sync();
  }
  await disk.rename(beside, path);
  await disk.syncDirectory(path.slice(0, Math.max(path.lastIndexOf("/"), 1)));
}
