/** Every maximum of Quarry, in one place. Sizes in bytes, times in milliseconds. */

import { benchLimits } from "./limits-bench.ts";
import { clusterLimits } from "./limits-cluster.ts";
import { copyLimits } from "./limits-copies.ts";
import { fastdfsLimits } from "./limits-fastdfs.ts";
import { fidLimits } from "./limits-fids.ts";
import { groupLimits } from "./limits-group.ts";
import { pieceLimits } from "./limits-pieces.ts";
import { transferLimits } from "./limits-transfers.ts";

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
  /** Writes of at least this go past the system's cache, through windows of this process. */
  directBytes: 512 * KiB,
  directWindows: 4,
  directWindowBytes: 2 * MiB,
  /** Largest group of appends that share one write and one sync. */
  appendGroupBytes: 8 * MiB,
  appendQueue: 4096,
  openFiles: 512,
  /** Records of one open file of which header and footer are remembered. */
  framesKept: 16,
  /** Pace of the scrub that runs beside the work, and its rest between rounds. */
  scrubBytesPerSecond: 8 * MiB,
  /** … and of the scrub of what something could have hurt, or was not read since it was sealed. */
  firstScrubBytesPerSecond: 32 * MiB,
  /** How often the scrub looks whether there is something to read. */
  scrubLookMs: 1_000,
  /** How often it looks whether all files are there still; each look is at most such a part of the time. */
  goneFilesLookMs: 10_000,
  goneFilesLookShare: 100,
  scrubRestMs: 24 * 3_600_000,
  /** Free room that a device keeps; below it appends are refused. */
  deviceReserveBytes: 512 * MiB,
  removeBatch: 1000,
  /** Needles in one page of a listing. */
  needleList: 4096,
  /** Bytes gathered before a write when a block is copied. */
  copyBytes: 1 * MiB,
  /** Blocks opened at the same time when a device starts. */
  blocksOpening: 4,

  // metadata
  /** Decoded rows of names and blobs that are kept to be read again, and the largest of them. */
  hotRows: 16_384,
  hotRowBytes: 1 * KiB,
  commandBytes: 1 * MiB,
  /** Keys that one command may touch. */
  commandKeys: 4096,
  commandQueue: 4096,
  chunksPerPage: 256,
  /** A blob of at most this many chunks keeps them in its own row. */
  inlineChunks: 16,
  /** Blob ids that a client leases at once. */
  blobLease: 4096,
  /** Chunks that one command may bring. */
  commandChunks: 1024,
  /** A name of at most this many slices keeps them in its own row. */
  inlineSlices: 16,
  slicesPerPage: 256,
  /** Slices of content that was spliced; then some must be joined. They stand in the name's row. */
  splicedSlices: 32,
  /** A part that is copied consists of at most this many slices of its source. */
  partSlices: 1024,
  /** Delete markers, one above the other, that an undelete takes away. */
  markersUndone: 256,
  /** Chunks that one look-up answers. */
  chunkRun: 64,
  /** Open blocks that a nameserver keeps on each device. */
  openBlocks: 64,
  logSegmentBytes: 64 * MiB,
  /** The state is made durable, and the log cut, after this much log. */
  checkpointBytes: 32 * MiB,

  ...groupLimits,

  // watches
  /** Changes that a nameserver remembers for watchers, and about what memory they take. */
  watchHistory: 65_536,
  watchHistoryBytes: 16 * MiB,
  /** Changes or entries of one answer. */
  watchAnswer: 1000,
  watchAnswerBytes: 1 * MiB,
  /** Watchers of one nameserver that wait for a change, and for how long one question waits. */
  watchers: 8192,
  watchWaitMs: 5_000,
  /** How much longer a watcher waits for the answer. */
  watchGraceMs: 3_000,
  /** How long a nameserver that lags lets a reader wait for a revision. */
  watchLagMs: 1_000,
  ...clusterLimits,
  ...copyLimits,

  // sessions of clients
  sessions: 16_384,
  /**
   * Unanswered commands of one session; results kept for its retries. Part of the format of the
   * state: where a result stands depends on it.
   */
  sessionWindow: 256,
  sessionMs: 3_600_000,
  /** Results of neighbouring slots that share a row. Part of the format of the state, too. */
  sessionRowSlots: 16,
  /** Sessions that one command clears away; each has at most a window of results. */
  sessionsCleared: 64,
  /** Of a larger result only that it was made is kept. */
  sessionResultBytes: 4 * KiB,
  /** The log keeps 32 bits. */
  sessionSequence: 2 ** 32 - 1,
  /** Sessions of one client: as many commands as a connection carries. */
  clientSessions: 4,
  /** How long a client that ends waits to hear that its sessions are closed. */
  sessionCloseMs: 500,

  // objects, as S3 documents them
  keyBytes: 1024,
  bucketsPerUser: 1000,
  accessKeysPerUser: 16,
  objectBytes: 50 * TiB,
  putBytes: 5 * GiB,
  partNumber: 10_000,
  partBytesMin: 5 * MiB,
  userMetadataBytes: 2 * KiB,
  /** Metadata of a stream, as JSON. */
  streamMetadataBytes: 64 * KiB,
  /** Names that one look for streams goes over; of streams it answers with at most `listKeys`. */
  streamScan: 2000,
  /** User metadata that a version may get after it was written. */
  describedBytes: 64 * KiB,
  /** Streams that a client sorts in its memory, and how many it changes at the same time. */
  streamSort: 100_000,
  streamsAtOnce: 16,
  listKeys: 1000,
  /** What a program reads of an object into memory at once; larger ones are read as streams. */
  wholeBytes: 1 * GiB,
  /** A list of keys or of parts. Parsing takes a millisecond for some 200 tags. */
  xmlBodyBytes: 2 * MiB,
  /** Opening and closing ones: 10,000 parts with every checksum have 160,000. */
  xmlTags: 200_000,
  /** Any other XML: the largest is a list of 100 grants with long names. */
  settingBytes: 128 * KiB,
  xmlDepth: 16,
  adminBodyBytes: 64 * KiB,
  usersFileBytes: 16 * MiB,
  usersInFile: 10_000,
  tags: 10,
  /** Of one access control list. */
  grants: 100,
  /** Users whose names are looked up at the same time for a listing. */
  namesAtOnce: 32,
  bucketTags: 50,
  corsRules: 100,
  corsBytes: 64 * KiB,
  /** Headers that one preflight may ask for: each is held against every rule. */
  corsRequestHeaders: 100,
  /** Everything of a POST form that stands before the bytes of its file. */
  formBytes: 20 * KiB,
  formFields: 100,
  /** What is read, and ignored, behind the file of a form. */
  formTailBytes: 64 * KiB,

  // transport
  /** Largest piece of a payload in one frame. */
  rpcPieceBytes: 256 * KiB,
  /** A payload of at most this travels with its message; a larger one waits for credit. */
  rpcInlineBytes: 64 * KiB,
  /** A reply of at most this may come without asking for credit (a read window and its spans). */
  rpcReplyBytes: 1 * MiB + 128 * KiB,
  /** Largest payload: a needle and some slack. */
  rpcPayloadBytes: 8 * MiB + 64 * KiB,
  rpcHeaderBytes: 8 * MiB,
  /** Unanswered requests of one connection. */
  rpcStreams: 1024,
  /** Connections of one server. */
  rpcConnections: 1024,
  /** Payload bytes that one connection of a client receives at a time. */
  rpcConnectionBytes: 32 * MiB,
  /** Pieces wait while this much waits in the socket already. */
  rpcQueuedBytes: 512 * KiB,
  /** A server reads no more requests of a peer that leaves this much unread. */
  rpcUnreadBytes: 16 * MiB,
  /** Memory that a process keeps for the next large payloads. */
  poolBytes: 64 * MiB,
  /** A silent peer is asked for a sign this often, and given up after so many without one. */
  rpcPingMs: 5_000,
  rpcPings: 4,
  rpcHandshakeMs: 5_000,
  /** Files of certificates are looked at this often. */
  tlsLookMs: 5_000,
  rpcBackoffMs: 2_000,
  rpcDrainMs: 10_000,
  rpcDeadlineMs: 60_000,
  /** The longest that a caller may ask for. */
  rpcLongestMs: 3_600_000,
  rpcArguments: 16,
  /** How long what a request may do is believed; what takes longer is judged again before it counts. */
  judgementMs: 250,
  /** Unanswered requests of one gateway. More are told to slow down. */
  requests: 1024,
  requestHeaderBytes: 16 * KiB,
  /** A body that brings no byte for this long is given up; so is a client that takes none. */
  bodyIdleMs: 60_000,
  /** Bytes of one request's body that wait in the gateway. */
  bodyQueueBytes: 256 * KiB,
  /** … and of all of them together; behind that each waits with one piece of 64 KiB at most. */
  bodyQueuesBytes: 64 * MiB,
  /** A body of at most this is taken in one piece, beside the memory for uploads: as often as `requests`. */
  smallBodyBytes: 64 * KiB,
  /** Digests of bodies from this length on are computed beside the event loop. */
  digestsBesideBytes: 256 * KiB,
  /** How long one of several waits for others, to be computed together with them. */
  digestWaitMs: 10,
  /** What is still read of the body of a refused request, so that its client hears the answer. */
  lingerBytes: 1 * MiB,
  lingerMs: 2_000,
  /** A line of an aws-chunked body (chunk head or trailer), and the trailers of one body. */
  chunkLineBytes: 1 * KiB,
  chunkTrailers: 16,
  /** Signing keys that a gateway remembers: users times days. */
  signingKeys: 1024,
  /** Objects that one DeleteObjects removes at the same time. */
  deletesAtOnce: 32,
  /** Silence after which an answer under way sends white space to keep the client waiting. */
  keepAliveMs: 10_000,
  /** How long a connection to a gateway may stay without a request. */
  idleConnectionMs: 72_000,
  /** Refusals of one kind that are nobody's fault share a line in the log for this long. */
  refusalLogMs: 10_000,
  /** Open connections of one gateway. */
  connections: 10_000,

  /** Chunks of one PUT on their way to members at once. */
  chunksUnderWay: 3,
  /** How long a slow sender may hold a slot of the memory budget while others wait. */
  slotHoldMs: 2_000,
  /** A long PUT registers its chunks at least this often; far below the settling time. */
  registerEveryMs: 5_000,

  /** Memory of one client for chunks on their way in … */
  uploadBytes: 64 * MiB,
  /** … and for windows on their way out. */
  readBytes: 48 * MiB,
  /** Memory of one RPC server for payloads on their way. */
  inFlightBytes: 128 * MiB,
  /** What a read asks of a member at once. */
  readWindowBytes: 1 * MiB,
  /** What it asks for when memory is short. */
  readWindowMinBytes: 128 * KiB,
  /** Windows that one GET reads ahead of its reader. */
  readAhead: 3,
  retries: 8,
  ...pieceLimits,

  ...transferLimits,
  ...fidLimits,
  ...benchLimits,

  ...fastdfsLimits,

  // erasure coding
  /** Memory that a codec may take for pieces; it is never given back to the system. */
  erasureMemoryBytes: 1 * GiB,
  /** Tables of inverted matrices that a codec keeps. */
  erasureTableBytes: 16 * MiB,
  /** Jobs that wait for the worker pool. */
  erasureJobs: 1024,
  erasureWorkers: 64,
  /** What is taken of each piece at once when files are coded window by window. */
  erasureWindowBytes: 256 * KiB,

  // placement
  /** Bucket ids of a CRUSH map go down to minus this, device ids up to the other. */
  crushBuckets: 1 << 20,
  crushDevices: 1 << 24,
  crushRules: 1 << 16,
  crushTextBytes: 64 * MiB,
  /** Replicas that one mapping may be asked for. */
  crushReplicas: 4096,
} as const;
