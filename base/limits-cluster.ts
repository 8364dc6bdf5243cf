/** Maxima of the cluster map and of those who follow it: a part of `limits`. Times in milliseconds. */

import { healingLimits } from "./limits-healing.ts";
import { healthLimits } from "./limits-health.ts";

export const clusterLimits = {
  ...healingLimits,
  ...healthLimits,
  /** A dataserver tells of itself this often … */
  heartbeatMs: 1_000,
  /** … and its devices are down when this long nothing was heard of it. */
  deviceDownMs: 5_000,
  heartbeatAnswerMs: 3_000,
  /** Who comes back more than once in this time must be up so long for new blocks, each time twice … */
  flapWindowMs: 600_000,
  flapHoldMs: 10_000,
  /** … and at most; so many returns are remembered. */
  flapHoldLongestMs: 300_000,
  flapsKept: 8,
  /**
   * Clocks that differ by more than this do not agree; what dataservers say of the time is judged at
   * most so often, and kept for so long.
   */
  clockTrustMs: 10_000,
  clockJudgeMs: 200,
  clockKeptMs: 60_000,
  /** What a disk took is forgotten after this; slow is so many times the others' median, and this. */
  paceKeptMs: 60_000,
  slowTimes: 4,
  slowLeastMs: 50,
  dataservers: 4096,
  devicesPerDataserver: 256,
  /** Regions, zones, racks and hosts that ever were; what CRUSH counts has an end too (`crushBuckets`). */
  placeIds: 65_536,
  /** Of one place; each has a shadow tree in CRUSH. */
  deviceClasses: 16,
  /** That ever were, since their numbers are not given twice. */
  pools: 4096,
  /** k + m. */
  poolPieces: 32,
  poolPgs: 65_536,
  /** Of a block: some chunks fit in it, and it is made anew in minutes. */
  poolBlockBytesLeast: 16 * 1024 * 1024,
  poolBlockBytesMost: 1024 * 1024 * 1024,
  storageClasses: 64,
  /** From here on an object is large, unless its storage class says otherwise. */
  largeObjectBytes: 1024 * 1024,
  /** A dataserver that is asked and silent is pinged this often; given up after `rpcPings` in vain. */
  blockPingMs: 1_000,
  /** What a gateway waits for a slow one to store something, and to read it when nobody else can … */
  blockCallMs: 20_000,
  blockReadMs: 4_000,
  /** … and when a chunk goes to another block, too: some member has not stored it after this long. */
  appendLateMs: 1_500,
  /** Devices that a client may ask to be given blocks without, and how often it asks. */
  devicesAvoided: 16,
  seekEveryMs: 1_000,
  /** Blocks that one chunk is on its way to then. */
  appendsAtOnce: 3,
  /** What a writer waits until a member that failed is looked at. */
  reportWaitMs: 1_000,
  /** What a nameserver waits for a quick order, */
  blockOrderMs: 5_000,
  /** … and for one that takes as long as a block has bytes: compaction, making it anew. */
  blockWorkMs: 600_000,
  /** While a device cannot be reached the map is asked for again at most this often. */
  mapAskMs: 500,

  // `quarry cluster`
  /** Dataservers, and gateways, that one machine is asked to run. */
  clusterMembers: 64,
  /** One that ends by itself is started again after this pause, each time twice as long, up to … */
  memberPauseMs: 1_000,
  memberLongestPauseMs: 30_000,
  /** … and is left alone after so many ends in a row; who ran for so long begins anew. */
  memberEnds: 20,
  memberSteadyMs: 60_000,
  /** Who was asked to end and has not by then is killed. */
  memberStopMs: 20_000,
  /** What a member printed is put aside when it is longer than this; one such file is kept. */
  memberLogBytes: 16 * 1024 * 1024,
  /** An order waits for what it asked for at most so long. */
  clusterOrderMs: 60_000,
  clusterLookMs: 1_000,
  /** For what the leader tells: longer than it takes to give up one that stands still. */
  clusterTellMs: 2_500,
  clusterFlips: 100_000,
} as const;
