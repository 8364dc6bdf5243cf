/** What one command is applied with. Time is the entry's: `apply` knows no other. */
import { QuarryError } from "../../base/errors.ts";
import type { LogIndex, VersionSequence } from "../../base/ids.ts";
import { FIRST_LEVEL } from "../../base/version.ts";
import { keys } from "../keyspace.ts";
import type { SettingsRow } from "../rows.ts";
import type { Rows } from "../transaction.ts";
import { SEQUENCES_PER_COMMAND, sequenceOf } from "../version-id.ts";

const HOUR_MS = 3_600_000;

export const defaultSettings: SettingsRow = { holdMs: HOUR_MS, pendingMs: 24 * HOUR_MS };

export class ApplyContext {
  readonly rows: Rows;
  readonly index: LogIndex;
  readonly timeMs: number;
  #drawn = 0;

  constructor(rows: Rows, index: LogIndex, timeMs: number) {
    this.rows = rows;
    this.index = index;
    this.timeMs = timeMs;
  }

  /** A number that no other command draws and that grows along the log. */
  nextSequence(): VersionSequence {
    if (this.#drawn >= SEQUENCES_PER_COMMAND)
      throw new QuarryError(
        "TooLarge",
        `a command draws at most ${SEQUENCES_PER_COMMAND} sequences`,
      );
    return sequenceOf(this.index, this.#drawn++);
  }

  /** What is new in a level counts from the entry on that raised it, for every member alike. */
  get level(): number {
    return this.rows.get(keys.level())?.level ?? FIRST_LEVEL;
  }

  get settings(): SettingsRow {
    return this.rows.get(keys.settings()) ?? defaultSettings;
  }
}
