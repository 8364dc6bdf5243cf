/** What a simulated disk fails to do: reads that touch bad sectors, syncs that lose what they should save. */
import type { Inode } from "./disk-simulated-inode.ts";
import { QuarryError } from "./errors.ts";

/** Whether a read of these bytes of a file fails. */
export type FailingRead = (path: string, offset: number, endOffset: number) => boolean;

export class Faults {
  sync: ((path: string) => boolean) | undefined;
  read: FailingRead | undefined;

  checkRead(path: string, offset: number, endOffset: number): void {
    if (this.read?.(path, offset, endOffset) === true) throw failed(path);
  }

  checkSync(path: string, inode: Inode): void {
    if (this.sync?.(path) !== true) return;
    inode.loseUnsynced();
    throw failed(path);
  }
}

const failed = (path: string) => new QuarryError("DiskFailed", `${path}: input/output error`);
