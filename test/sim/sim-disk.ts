/** A process's view of a simulated disk: everything takes its time, and ends with the process. */
import type { Disk, DiskFile, DiskSpace } from "../../base/disk.ts";
import type { SimulatedDisk } from "../../base/disk-simulated.ts";
import type { Dice } from "../../raft/testing/dice.ts";
import type { SimProcess } from "./process.ts";

/** How a disk behaves; faults change it while it is in use. */
export interface DiskMood {
  /** 1: as usual. */
  slowness: number;
  /** Planted: syncs of such files are only said to have been made. */
  readonly liesAbout: (path: string) => boolean;
  /** What is no sync mostly takes no time: dataservers do a lot of it, and each bit is an event. */
  readonly isHasty?: boolean;
}

const WRITE_MS = 0.1;
const SYNC_MS = 2;
const HASTE = 0.8;

export class SimDisk implements Disk {
  readonly #disk: SimulatedDisk;
  readonly #process: SimProcess;
  readonly #dice: Dice;
  readonly #mood: DiskMood;

  constructor(disk: SimulatedDisk, process: SimProcess, dice: Dice, mood: DiskMood) {
    this.#disk = disk;
    this.#process = process;
    this.#dice = dice;
    this.#mood = mood;
  }

  async open(path: string, mode: "read" | "write" | "create"): Promise<DiskFile> {
    await this.#takes(WRITE_MS);
    const file = await this.#disk.open(path, mode);
    return {
      path,
      read: (target, offset) => file.read(target, offset),
      write: async (parts, offset) => {
        // What is written is what the buffers hold now.
        const bytes = Buffer.concat(parts);
        await this.#takes(WRITE_MS);
        await file.write([bytes], offset);
      },
      writeThrough: async (parts, offset) => {
        const bytes = Buffer.concat(parts);
        await this.#takes(WRITE_MS);
        await this.#takes(SYNC_MS);
        if (this.#mood.liesAbout(path)) await file.write([bytes], offset);
        else await file.writeThrough([bytes], offset);
      },
      sync: async () => {
        await this.#takes(SYNC_MS);
        if (!this.#mood.liesAbout(path)) await file.sync();
      },
      truncate: async (lengthBytes) => {
        await this.#takes(WRITE_MS);
        await file.truncate(lengthBytes);
      },
      lengthBytes: () => file.lengthBytes(),
      close: () => file.close(),
      [Symbol.asyncDispose]: () => file.close(),
    };
  }

  list(directory: string): Promise<string[]> {
    return this.#disk.list(directory);
  }

  exists(path: string): Promise<boolean> {
    return this.#disk.exists(path);
  }

  makeDirectory(directory: string): Promise<void> {
    return this.#disk.makeDirectory(directory);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#takes(WRITE_MS);
    await this.#disk.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    await this.#takes(WRITE_MS);
    await this.#disk.remove(path);
  }

  async syncDirectory(directory: string): Promise<void> {
    await this.#takes(SYNC_MS);
    await this.#disk.syncDirectory(directory);
  }

  space(): Promise<DiskSpace> {
    return this.#disk.space();
  }

  lock(directory: string): Promise<AsyncDisposable> {
    return this.#disk.lock(directory);
  }

  #takes(usualMs: number): Promise<void> {
    if (this.#mood.isHasty === true && usualMs < SYNC_MS && this.#dice.chance(HASTE))
      return Promise.resolve();
    const share = this.#dice.between(20, 180) / 100;
    return this.#process.sleep(usualMs * share * this.#mood.slowness);
  }
}
