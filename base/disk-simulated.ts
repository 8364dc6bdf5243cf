/**
 * A disk in memory whose power can be cut at any operation. It keeps apart what a program sees
 * (page cache) and what would survive: a write is safe after `sync` of its file, a name after
 * `syncDirectory` of its folder. Folders themselves are safe at once.
 *
 *     disk.crashAt(17); await workload(disk)   // the 17th change throws SimulatedCrash
 *     disk.crash(seededRandom(1))              // what the machine finds after the restart
 */
import type { Disk, DiskFile, DiskSpace } from "./disk.ts";
import { type FailingRead, Faults } from "./disk-simulated-faults.ts";
import { Inode } from "./disk-simulated-inode.ts";
import { QuarryError } from "./errors.ts";
import type { Random } from "./random.ts";

/** Thrown by the operation that the power cut hits, and by all after it. */
export class SimulatedCrash extends Error {
  override readonly name = "SimulatedCrash";
}

/** A change of names that is not on the disk yet: names to take away, then one to set. */
interface NameChange {
  readonly directory: string;
  readonly gone: readonly string[];
  readonly set?: readonly [path: string, inode: Inode];
}

const folderOf = (path: string) => path.slice(0, Math.max(path.lastIndexOf("/"), 1));

export class SimulatedDisk implements Disk {
  /** Changes so far: create, write, sync, truncate, rename, remove, syncDirectory; two of a write through. */
  operations = 0;
  /** Calls of `read` so far. */
  reads = 0;
  /** Room in all; what does not fit is `DiskFull`. */
  capacityBytes = 2 ** 50;
  #names = new Map<string, Inode>();
  #safeNames = new Map<string, Inode>();
  #changes: NameChange[] = [];
  #directories = new Set<string>(["/"]);
  #locks = new Set<string>();
  #crashAt = Number.POSITIVE_INFINITY;
  #crashed = false;
  /** Raised by each crash, so that handles of the life before are dead. */
  #life = 0;
  readonly #faults = new Faults();
  #hanging: PromiseWithResolvers<void> | undefined;

  /** Cuts the power in the `n`-th change from the disk's beginning (see {@link operations}). */
  crashAt(n: number): void {
    this.#crashAt = n;
  }

  get crashed(): boolean {
    return this.#crashed;
  }

  /** Syncs of files for which `when` holds fail with `DiskFailed`, and lose what they should save. */
  failSync(when: ((path: string) => boolean) | undefined): void {
    this.#faults.sync = when;
  }

  /** Reads that touch bytes for which `when` holds fail with `DiskFailed`, as an unreadable sector does. */
  failReads(when: FailingRead | undefined): void {
    this.#faults.read = when;
  }

  /** Syncs of files do not end until they are told to. */
  hangSyncs(hang: boolean): void {
    this.#hanging?.resolve();
    this.#hanging = hang ? Promise.withResolvers() : undefined;
  }

  /** Only `bytes` more fit on the disk. */
  leaveFree(bytes: number): void {
    this.capacityBytes = this.#usedBytes() + bytes;
  }

  /** Content as a program sees it. */
  contentOf(path: string): Buffer {
    return Buffer.from(this.#inode(path).content());
  }

  /** Puts a file there, durably. */
  plant(path: string, content: Uint8Array): void {
    const inode = new Inode();
    inode.write(content, 0);
    inode.sync();
    this.#names.set(path, inode);
    this.#safeNames.set(path, inode);
    this.#directories.add(folderOf(path));
  }

  /** Turns the bits of `mask` of one stored byte. */
  flip(path: string, offset: number, mask = 1): void {
    this.#inode(path).flip(offset, mask);
  }

  get safeFiles(): ReadonlyMap<string, Inode> {
    return this.#safeNames;
  }

  /** All files, sorted. */
  paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  /**
   * The power goes and comes back. Of every write that was not synced an arbitrary part of its
   * sectors is there; of the changes of names in a folder that was not synced a prefix (as a
   * journal keeps them) or an arbitrary part.
   */
  crash(random: Random): void {
    const ordered = random.u32() % 2 === 0;
    const stopped = new Set<string>();
    for (const change of this.#changes) {
      if (ordered && stopped.has(change.directory)) continue;
      if (random.u32() % 2 === 0) this.#keep(change);
      else stopped.add(change.directory);
    }
    for (const inode of new Set(this.#safeNames.values())) inode.crash(random);
    this.#names = new Map(this.#safeNames);
    this.#changes = [];
    this.#restart();
  }

  /** Only the process dies: everything it wrote is there. */
  kill(): void {
    this.#restart();
  }

  #restart(): void {
    this.#locks.clear();
    this.#crashed = false;
    this.#crashAt = Number.POSITIVE_INFINITY;
    this.#life++;
  }

  async open(path: string, mode: "read" | "write" | "create"): Promise<DiskFile> {
    await Promise.resolve();
    if (this.#crashed) throw new SimulatedCrash(`open ${path} after the crash`);
    if (mode === "create") {
      if (this.#names.has(path)) throw codedError("EEXIST", path);
      if (!this.#directories.has(folderOf(path))) throw codedError("ENOENT", path);
      const inode = new Inode();
      await this.#change(() => this.#rename({ gone: [], set: [path, inode] }, folderOf(path)));
    }
    return this.#handle(path, this.#inode(path), mode !== "read");
  }

  async list(directory: string): Promise<string[]> {
    await this.#look();
    const inside = (path: string) => path !== directory && folderOf(path) === directory;
    const all = [...this.#names.keys(), ...this.#directories].filter(inside);
    return all.map((path) => path.slice(path.lastIndexOf("/") + 1)).sort();
  }

  async exists(path: string): Promise<boolean> {
    await this.#look();
    return this.#names.has(path) || this.#directories.has(path);
  }

  async makeDirectory(directory: string): Promise<void> {
    await this.#look();
    for (let at = directory; at !== "/" && at !== ""; at = folderOf(at)) this.#directories.add(at);
  }

  async rename(from: string, to: string): Promise<void> {
    const inode = this.#inode(from);
    await this.#change(() => this.#rename({ gone: [from], set: [to, inode] }, folderOf(to)));
  }

  async remove(path: string): Promise<void> {
    await this.#look();
    if (!this.#names.has(path)) return;
    await this.#change(() => this.#rename({ gone: [path] }, folderOf(path)));
  }

  async syncDirectory(directory: string): Promise<void> {
    await this.#change(
      () => undefined,
      () => {
        for (const change of this.#changes) if (change.directory === directory) this.#keep(change);
        this.#changes = this.#changes.filter((change) => change.directory !== directory);
      },
    );
  }

  async space(): Promise<DiskSpace> {
    await this.#look();
    const freeBytes = Math.max(0, this.capacityBytes - this.#usedBytes());
    return { totalBytes: this.capacityBytes, freeBytes };
  }

  async lock(directory: string): Promise<AsyncDisposable> {
    await this.#look();
    if (this.#locks.has(directory)) throw new QuarryError("Locked", `${directory} is in use`);
    this.#locks.add(directory);
    const life = this.#life;
    return {
      [Symbol.asyncDispose]: () => {
        if (life === this.#life) this.#locks.delete(directory);
        return Promise.resolve();
      },
    };
  }

  #handle(path: string, inode: Inode, writable: boolean): DiskFile {
    const life = this.#life;
    let open = true;
    const check = async () => {
      await this.#look();
      if (life !== this.#life) throw new SimulatedCrash(`${path} was opened before the crash`);
      if (!open) throw codedError("EBADF", path);
    };
    const close = async () => {
      open = false;
    };
    const change = async (run: () => void, after?: () => void) => {
      await check();
      if (!writable) throw codedError("EBADF", path);
      await this.#change(run, after);
    };
    const sync = async (save: () => void) => {
      await this.#hanging?.promise;
      await change(() => this.#faults.checkSync(path, inode), save);
    };
    return {
      path,
      read: async (target, offset) => {
        await check();
        this.reads++;
        this.#faults.checkRead(path, offset, offset + target.length);
        return inode.read(target, offset);
      },
      write: (parts, offset) => change(() => this.#write(path, inode, parts, offset)),
      writeThrough: async (parts, offset) => {
        await change(() => this.#write(path, inode, parts, offset));
        await sync(() => inode.syncLast());
      },
      sync: () => sync(() => inode.sync()),
      truncate: (lengthBytes) => change(() => inode.truncate(lengthBytes)),
      lengthBytes: async () => {
        await check();
        return inode.lengthBytes;
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  }

  /** One counted change: `run` may be left half durable by a cut in it, `after` is not reached. */
  async #change(run: () => void, after?: () => void): Promise<void> {
    await this.#look();
    this.operations++;
    if (this.operations >= this.#crashAt) this.#crashed = true;
    run();
    if (this.#crashed) throw new SimulatedCrash(`power cut at operation ${this.operations}`);
    after?.();
  }

  async #look(): Promise<void> {
    await Promise.resolve();
    if (this.#crashed) throw new SimulatedCrash("the power is off");
  }

  #write(path: string, inode: Inode, parts: readonly Uint8Array[], offset: number): void {
    const content = Buffer.concat(parts);
    const growth = Math.max(0, offset + content.length - inode.lengthBytes);
    const room = this.capacityBytes - this.#usedBytes();
    const missing = Math.max(0, growth - Math.max(0, room));
    inode.write(content.subarray(0, Math.max(0, content.length - missing)), offset);
    if (missing > 0) throw new QuarryError("DiskFull", `no space left for ${path}`);
  }

  #rename(change: Omit<NameChange, "directory">, directory: string): void {
    for (const path of change.gone) this.#names.delete(path);
    if (change.set !== undefined) this.#names.set(change.set[0], change.set[1]);
    this.#changes.push({ ...change, directory });
  }

  #keep(change: NameChange): void {
    for (const path of change.gone) this.#safeNames.delete(path);
    if (change.set !== undefined) this.#safeNames.set(change.set[0], change.set[1]);
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw codedError("ENOENT", path);
    return inode;
  }

  #usedBytes(): number {
    let used = 0;
    for (const inode of this.#names.values()) used += inode.lengthBytes;
    return used;
  }
}

const codedError = (code: string, path: string): Error =>
  Object.assign(new Error(`${code}: ${path}`), { code });
