/** Maxima of `quarry bench`: a part of `limits`. Sizes in bytes, times in milliseconds. */

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;

export const benchLimits = {
  /** Largest object: of several parts, and of one request. */
  benchObjectBytes: 5 * GiB,
  benchWholeBytes: 64 * MiB,
  /** What one measurement writes at most, so that a fast disk is not filled. */
  benchWrittenBytes: 4 * GiB,
  /** What is stored to be read, beyond the four objects that it always is. */
  benchReadBytes: 256 * MiB,
  benchObjects: 1_000_000,
  benchLanes: 4096,
  benchSeconds: 60,
  benchRepeats: 20,
  benchEndpoints: 16,
  /** Heads that are signed ahead. */
  benchAhead: 1_000_000,
  /** Operations of one measurement that may fail before it is given up. */
  benchFailures: 100,
  /** A store that does not answer for so long is given up. */
  /** Files that a bare fid names. */
  benchBareBytes: 4 * MiB - 32,
  benchAnswerMs: 60_000,
  benchReadyMs: 30_000,
  benchStopMs: 15_000,
} as const;
