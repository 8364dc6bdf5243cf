/**
 * The state in LevelDB, written unsynced. Durable is what its table files hold: those are synced
 * when written, and {@link LevelState.checkpoint} makes LevelDB write what it has in memory. Its own
 * write-ahead log is never read: one flipped bit there silently drops batches, and a power cut
 * leaves holes. Quarry's log replays what the tables lack.
 */
import type { ClassicLevel, Iterator as LevelIterator, Snapshot } from "classic-level";
import { Level } from "level";
import type { Disk } from "../base/disk.ts";
import { QuarryError } from "../base/errors.ts";
import type { Key } from "./keyspace.ts";
import { checkLevel } from "./level-check.ts";
import type { Change, RangeCursor, StateReads, StateStore, Stored } from "./state-store.ts";

const MiB = 1024 * 1024;
/** Behind every key of the state: nothing is there to compact, so only memory is written out. */
const BEHIND_ALL = Buffer.alloc(2, 0xff);
const PROBE_KEY = Buffer.from([0]);

const encodings = { keyEncoding: "buffer", valueEncoding: "buffer" } as const;
const bytesOf = (key: Key) => Buffer.from(key, "latin1");

export class LevelState implements StateStore {
  readonly #level: ClassicLevel<Buffer, Buffer>;

  private constructor(level: ClassicLevel<Buffer, Buffer>) {
    this.#level = level;
  }

  /**
   * Opens the state, after checking every byte of it.
   * @throws QuarryError `Damaged`; also when `mustExist` and it does not.
   */
  static async open(disk: Disk, directory: string, mustExist: boolean): Promise<LevelState> {
    await disk.makeDirectory(directory);
    const names = await disk.list(directory);
    const exists = names.includes("CURRENT");
    if (exists) {
      for (const name of names)
        if (/^\d+\.log$/.test(name)) await disk.remove(`${directory}/${name}`);
      await checkLevel(disk, directory);
    } else if (mustExist) {
      throw new QuarryError(
        "Damaged",
        `${directory} has lost its files; restore the nameserver's folder from a backup`,
      );
    }
    const level = new Level<Buffer, Buffer>(directory, {
      ...encodings,
      createIfMissing: !exists,
      compression: false,
      cacheSize: 32 * MiB,
      writeBufferSize: 16 * MiB,
      maxFileSize: 8 * MiB,
    }) as unknown as ClassicLevel<Buffer, Buffer>;
    await level.open();
    // LevelDB renames files without syncing their folder.
    await disk.syncDirectory(directory);
    return new LevelState(level);
  }

  get(key: Key): Buffer | undefined {
    return this.#level.getSync(bytesOf(key));
  }

  range(from: Key, to: Key): RangeCursor {
    return this.#range(from, to, undefined);
  }

  snapshot(): StateReads & AsyncDisposable {
    const snapshot = this.#level.snapshot();
    return {
      get: (key) => this.#level.getSync(bytesOf(key), { snapshot }),
      range: (from, to) => this.#range(from, to, snapshot),
      [Symbol.asyncDispose]: () => snapshot.close(),
    };
  }

  #range(from: Key, to: Key, snapshot: Snapshot | undefined): RangeCursor {
    const iterator = this.#level.iterator({
      gte: bytesOf(from),
      lt: bytesOf(to),
      highWaterMarkBytes: 1 * MiB,
      snapshot,
    });
    return new LevelCursor(iterator);
  }

  async write(changes: readonly Change[]): Promise<void> {
    // A third of what an array of operations costs.
    const batch = this.#level.batch();
    for (const { keyBytes, value } of changes)
      if (value === undefined) batch.del(keyBytes);
      else batch.put(keyBytes, value);
    await batch.write();
  }

  async checkpoint(): Promise<void> {
    await this.#level.compactRange(BEHIND_ALL, BEHIND_ALL);
    // A failure to write tables is not reported by compactRange, but by every write after it.
    // This one leaves nothing: whoever reads the whole state finds rows only.
    await this.#level.del(PROBE_KEY);
  }

  async approximateBytes(from: Key, to: Key): Promise<number> {
    return await this.#level.approximateSize(bytesOf(from), bytesOf(to));
  }

  async compact(from: Key, to: Key): Promise<void> {
    await this.#level.compactRange(bytesOf(from), bytesOf(to));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#level.close();
  }
}

class LevelCursor implements RangeCursor {
  readonly #iterator: LevelIterator<ClassicLevel<Buffer, Buffer>, Buffer, Buffer>;

  constructor(iterator: LevelIterator<ClassicLevel<Buffer, Buffer>, Buffer, Buffer>) {
    this.#iterator = iterator;
  }

  async next(count: number): Promise<Stored[]> {
    const found = await this.#iterator.nextv(count);
    return found.map(([key, value]) => ({ key: key.toString("latin1"), value }));
  }

  seek(key: Key): void {
    this.#iterator.seek(bytesOf(key));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#iterator.close();
  }
}
