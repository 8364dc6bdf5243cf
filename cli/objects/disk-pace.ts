/**
 * Small steps on a quick disk cost less in place than through the thread pool, by a factor of five; on
 * a slow one (a network, a disk at rest) they would hold up all transfers. So: in place, until one
 * takes long; then the next ones go through the pool.
 */
import { systemClock } from "../../base/clock.ts";

const SLOW_MS = 2;
const POOLED_AFTER_SLOW = 64;

let pooled = 0;

/** Runs `quick`, or `patient` when the disk was slow a moment ago. Both do the same. */
export async function paced<T>(quick: () => T, patient: () => Promise<T>): Promise<T> {
  if (pooled > 0) {
    pooled--;
    return patient();
  }
  const startMs = systemClock.monotonicMs();
  try {
    return quick();
  } finally {
    if (systemClock.monotonicMs() - startMs > SLOW_MS) pooled = POOLED_AFTER_SLOW;
  }
}
