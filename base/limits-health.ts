/** Maxima of what a cluster says of itself: a part of `limits-cluster.ts`. Times in milliseconds. */

export const healthLimits = {
  /** Blocks at risk, and concerns, that health names one by one. */
  healthBlocks: 100,
  healthConcerns: 50,
  /** A nameserver of which nothing was heard for so long is missed. */
  nameserverSilentMs: 5_000,
  /** What has just changed is not judged by what devices tell of it yet. */
  healthFreshMs: 10_000,
  /** Health is found out at most this often, and rests so many times as long as it took. */
  healthRestMs: 1_000,
  healthRestShare: 20,
  /** How old, beyond that, what is known of the room for repairs may be. */
  repairRoomMs: 5_000,
} as const;
