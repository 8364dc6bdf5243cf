/** Every maximum of Quarry, in one place. Sizes in bytes, times in milliseconds. */

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const TiB = 1024 * GiB;

export const limits = {
  // blocks
  blockBytes: 64 * MiB,
  /** A needle carries one CRC32C for each of these. */
  checksumSpanBytes: 64 * KiB,
  /** Largest needle; a chunk is never larger. */
  needleBytes: 8 * MiB,
  chunkBytes: 4 * MiB,
  /** Needles below this share one open block, so that they share its syncs. */
  smallBytes: 256 * KiB,
  /** Block locations that a client remembers. */
  locationsKept: 65_536,
  /** Zeros written ahead of the tail of an append file. */
  extendBytes: 1 * MiB,
  /** Largest group of appends that share one write and one sync. */
  appendGroupBytes: 8 * MiB,
  appendQueue: 4096,
  openFiles: 512,
  /** Free room that a device keeps; below it appends are refused. */
  deviceReserveBytes: 512 * MiB,
  removeBatch: 1000,

  // metadata
  commandBytes: 1 * MiB,
  /** Keys that one command may touch. */
  commandKeys: 4096,
  commandQueue: 4096,
  chunksPerPage: 256,
  /** A blob of at most this many chunks keeps them in its own row. */
  inlineChunks: 16,
  /** Blob ids that a client leases at once. */
  blobLease: 4096,
  logSegmentBytes: 64 * MiB,

  // objects, as S3 documents them
  keyBytes: 1024,
  bucketsPerUser: 1000,
  objectBytes: 50 * TiB,
  putBytes: 5 * GiB,
  partNumber: 10_000,
  partBytesMin: 5 * MiB,
  userMetadataBytes: 2 * KiB,
  listKeys: 1000,
  xmlBodyBytes: 2 * MiB,

  // transport
  rpcFrameBytes: 1 * MiB,
  rpcHeaderBytes: 2 * MiB,
  rpcStreams: 1024,
  rpcDeadlineMs: 60_000,
  /** Unanswered requests of one gateway. More are told to slow down. */
  requests: 1024,
  requestHeaderBytes: 16 * KiB,
  /** A body that brings no byte for this long is given up. */
  bodyIdleMs: 60_000,

  /** Chunks of one PUT on their way to members at once. */
  chunksUnderWay: 3,
  /** How long a slow sender may hold a slot of the memory budget while others wait. */
  slotHoldMs: 2_000,
  /** A long PUT registers its chunks at least this often; far below the settling time. */
  registerEveryMs: 5_000,

  /** Memory of one process for chunks on their way in … */
  inFlightBytes: 128 * MiB,
  /** … and for windows on their way out. */
  readBytes: 64 * MiB,
  /** What a read asks of a member at once. */
  readWindowBytes: 1 * MiB,
  /** What it asks for when memory is short. */
  readWindowMinBytes: 128 * KiB,
  /** Windows that one GET reads ahead of its reader. */
  readAhead: 3,
  retries: 8,
} as const;
