/** Maxima of what makes blocks whole again: a part of `limits-cluster.ts`. Sizes in bytes. */

import { plannerLimits } from "./limits-planner.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

export const healingLimits = {
  ...plannerLimits,
  /** Rows of one inventory. */
  inventoryBytes: 1 * MiB,
  /** What one answer to a fetch has, unless a single needle has more. */
  fetchBytes: 1 * MiB,
  /** Needles that are asked for at once. */
  fetchNeedles: 4096,
  /** Other members that one block is made anew from. */
  rebuildSources: 30,
  /** What one rebuild asks all of its sources for at once, and what of it may be on its way. */
  rebuildWindowBytes: 2 * MiB,
  rebuildAheadBytes: 2 * MiB,
  /** Blocks that a device makes anew at the same time; more orders are told to come later. */
  rebuildsAtOnce: 4,
  /** Lines of a dataserver to others that are kept though nobody waits on them. */
  peerLines: 64,
  /** Blocks of one report. */
  reportBlocks: 1000,
  /** How often a nameserver looks whether devices have news, and how many it asks at the same time. */
  stockLookMs: 1_000,
  stockPulls: 16,
  /** Pieces of blocks on devices that a nameserver keeps in mind: some 200 bytes each. */
  stockEntries: 4_000_000,
  /** What members that are away did not confirm is left alone, in the end, so long. */
  collectRetryMs: 300_000,
  /** A block that cannot be rewritten rests, longer after each try, in the end so long; so many blocks. */
  blockRestMs: 3_600_000,
  blocksResting: 10_000,
  /** Walks over all blocks rest for a second for each so many of them. */
  walkedEachSecond: 10_000,
  /** What is taken of each range at once when a block is striped: whole spans. */
  stripeWindowBytes: 1 * MiB,
  /** The ranges of a block together have at most so many times the bytes of its needles. */
  stripePadding: 1.25,
  /** Blocks that a dataserver writes anew in another layout at the same time. */
  conversionsAtOnce: 2,
  /** Needles of a split block that is converted: the order tells of each its chunk, in 16 bytes. */
  convertChunks: 262_144,
  /** Members that differ are compared when they differ in the same for so long, or at all for … */
  differRestMs: 10_000,
  differLongMs: 60_000,
  /** One that cannot be compared, or mended, rests in the end so long. */
  reconcileRestMs: 300_000,
  /** Blocks whose members are compared at the same time; that are remembered as compared. */
  reconcilesAtOnce: 2,
  reconcilesKept: 100_000,
  /** Rows of blocks that are looked at in one step; reports of needles. */
  reconcileRows: 5_000,
  reconcileReports: 16,
  /** Blocks on devices of which there is no row that are remembered from one look to the next; the looks. */
  unknownBlocks: 100_000,
  unknownLookMs: 60_000,
  /** Blocks with losses that are listed. */
  lossesListed: 10_000,
  /** Removed needles that an order to switch to a conversion tells of, in 8 bytes each; others are told after it. */
  switchRemoved: 262_144,
  /** Blocks that a leader has converted at the same time, and those that it knows to wait. */
  conversionsRunning: 2,
  conversionsWaiting: 1000,
  /** Files of conversions that a device tells of at once; how often it is asked. */
  stagedListed: 1000,
  stagedLookMs: 60_000,
  /** Lost needles that are named one by one. */
  lostNamed: 100,
  /** So long a needle must have been lost before its block is healed without it; so many of a block. */
  giveUpMs: 3_600_000,
  givenUp: 1000,
} as const;
