/** Maxima of the command line's transfers: a part of `limits`. Sizes in bytes. */

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;

export const transferLimits = {
  /** Requests at once, if not told otherwise. */
  cliParallel: 16,
  /** Parts of a multipart upload and ranges of a parallel download. */
  cliPartBytes: 8 * MiB,
  /** All buffers of bodies together; a larger part is streamed from its file. */
  cliMemoryBytes: 64 * MiB,
  cliBufferBytes: 16 * MiB,
  /** Attempts to send or fetch one part, each with the SDK's own below it. */
  cliAttempts: 4,
  /** Items found before their turn, so that the total and the time left can be told. */
  cliRunAhead: 100_000,
  /** A server-side copy above this is made of parts (AWS: 5 GiB is the most that one request copies). */
  copyWholeBytes: 5 * GiB,
  copyPartBytes: 512 * MiB,
} as const;
