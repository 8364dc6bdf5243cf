/** Writes into the folder which level a version must know to open it (levels.ts). */
import type { Disk } from "../base/disk.ts";
import { demandLevel } from "../base/identity.ts";
import { FIRST_LEVEL } from "../base/version.ts";
import { tags } from "./keyspace.ts";
import { decodeRow } from "./row-codec.ts";
import type { LevelRow } from "./rows.ts";
import type { Change } from "./state-store.ts";

export class LevelMark {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #report: (message: string) => void;
  #writing: Promise<void> = Promise.resolve();

  constructor(disk: Disk, directory: string, report: (message: string) => void) {
    this.#disk = disk;
    this.#directory = directory;
    this.#report = report;
  }

  saw(changes: readonly Change[]): void {
    for (const { key, value } of changes)
      if (value !== undefined && key.startsWith(tags.level))
        this.mark(decodeRow<LevelRow>(key, value).level);
  }

  /** One that failed is made good at the next start. */
  mark(level: number): void {
    if (level <= FIRST_LEVEL) return;
    this.#writing = this.#writing
      .then(() => demandLevel(this.#disk, this.#directory, level))
      .catch((error: unknown) => this.#report(`identity.json stays as it is: ${String(error)}`));
  }

  async idle(): Promise<void> {
    await this.#writing;
  }
}
