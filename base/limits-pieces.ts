/** Maxima of writing and reading chunks in pieces: a part of `limits`. Bytes and milliseconds. */

const MiB = 1024 * 1024;

export const pieceLimits = {
  /** A member that has not answered after this long, or much longer than usual, is read around … */
  hedgeMs: 250,
  /** … but never sooner than this. */
  hedgeLeastMs: 20,
  /** Before `hedgeMs` that is done for this share of reads only, and so often in a row. */
  hedgeShare: 0.02,
  hedgesAtOnce: 16,
  /** One that was slow or away is asked last for so long. */
  shunMs: 1_000,
  /** Devices whose latency a client remembers. */
  latenciesKept: 16_384,
  /** How soon a read looks again when a block's members switch generations, and for how long. */
  readAgainMs: 50,
  readAgainWithinMs: 3_000,
  /** Reports of wrong pieces that a leader keeps, and that a client remembers and has under way. */
  needleReportsKept: 4096,
  needleReportsUnderWay: 8,
  /** A chunk whose pieces would be smaller is not cut. */
  pieceBytesMin: 4 * 1024,
  /** A client asks again for pools and storage classes after so long. */
  poolsKeptMs: 5_000,
  /** Memory of one client for the pieces of chunks on their way in, and of strips that are decoded. */
  encodeBytes: 64 * MiB,
  decodeBytes: 32 * MiB,
} as const;
