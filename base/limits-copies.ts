/** Maxima of backups and of copies of the metadata in blocks: a part of `limits`. */

const MiB = 1024 * 1024;

export const copyLimits = {
  /** Readings of the whole state under way, and how long one waits for whoever reads it. */
  stateReadings: 4,
  stateReadingMs: 120_000,
  /** Copies in blocks: how often entries of the log are written there, and a snapshot of all … */
  copyLogMs: 5_000,
  copySnapshotMs: 86_400_000,
  /**
   * … which is due earlier when the entries since the last one come to its size, and to this: so what is
   * written for copies stays in proportion to what changes, however much there is. It rests so many times
   * as long as it took.
   */
  copySnapshotBytes: 128 * MiB,
  copySnapshotRest: 10,
  copyRetryMs: 60_000,
  /** A chunk of a copy, or a run of entries, before it is compressed. */
  copyPlainBytes: 16 * MiB,
  /** What one turn writes or reads back. */
  copyTurnBytes: 16 * MiB,
  /** Entries that are kept in memory until they are in blocks. */
  copyLagEntries: 100_000,
  /** Copies that one command drops. */
  copiesDropped: 64,
} as const;
