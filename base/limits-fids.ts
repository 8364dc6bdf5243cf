/** Maxima of fids and of the faces that serve them. */
export const fidLimits = {
  /** Characters behind the 18 of a name. */
  fidSuffixBytes: 32,
  /** Chunks that one list tells: with 4 MiB each 400 GiB. */
  fidChunks: 100_000,
  /** Buckets that a gateway remembers, and how long it believes what it knows while it can ask. */
  fidApps: 1024,
  fidAppKeptMs: 2_000,
  /** … and while nobody can be asked. */
  fidAppKeptAloneMs: 3_600_000,
  /** After an answer that did not come nobody waits for one for so long. */
  fidAloneMs: 5_000,
  /** How long it waits for an answer that it could do without. */
  fidAskMs: 1_000,
  /** How much of a body of unknown length is looked at, to see whether it is a small one. */
  fidMeasuredBytes: 64 * 1024,
  /** Devices that are asked for a block of which nobody tells where it is. */
  fidDevicesAsked: 256,
  /** Hidden fids of one bucket. */
  fidHidden: 10_000,
  /** Access keys that a gateway remembers. */
  fidKeys: 1024,
  /** A fid read asks for this much first: most are read in one trip. */
  fidFirstReadBytes: 128 * 1024,
  /** How far the clock of who made a token may be ahead. */
  fidTokenAheadMs: 60_000,
} as const;
