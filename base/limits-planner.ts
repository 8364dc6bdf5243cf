/** Maxima of the planner: a part of `limits-healing.ts`. Sizes in bytes, times in milliseconds. */

const MiB = 1024 * 1024;

export const plannerLimits = {
  /**
   * Blocks that the planner works on at the same time: so many, or in a large cluster one for so many
   * devices, up to … And how many it looks through to find them.
   */
  healingAtOnce: 32,
  healingDevicesEach: 4,
  healingAtOnceMost: 1024,
  healingLook: 4096,
  /** Blocks that are made on one device at the same time, and read from one. */
  healingAsTarget: 2,
  healingAsSource: 4,
  /** A block whose work failed rests for so long, each time twice as long, up to … */
  healingRetryMs: 1_000,
  healingLongestRetryMs: 600_000,
  /** A block whose row changed is looked at when devices had time to tell the same. */
  healingRestMs: 2_500,
  /** How often the planner looks when nothing wakes it. */
  healingLookMs: 1_000,
  /** A process looks so often whether it stood still; from such a gap on it did, and who is down is counted anew. */
  awakeLookMs: 1_000,
  standstillMs: 5_000,
  /** Blocks that are looked at before others have their turn. */
  healingPage: 500,
  /** Blocks and devices that they need, though they hold nothing of them yet, that are remembered. */
  healingAwaited: 500_000,
  /** Stuck blocks that are told of one by one. */
  healingStuckNamed: 100,
  /** Over how long the pace is told. */
  healingPaceMs: 60_000,
  /** How often it is asked how far rebuilds are; an estimate is given when that was measured so long. */
  healingMeasureMs: 1_000,
  healingMeasuredMs: 5_000,
  /** Below this pace for one block, fewer are worked on at the same time. */
  healingLeastPace: 4 * MiB,
} as const;
