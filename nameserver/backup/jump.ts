/**
 * Where a state goes on that was brought back from a copy. What happened behind the copy is not known,
 * yet its numbers are still about: sessions of clients, revisions of watches, versions of objects, blob
 * ids that gateways leased, epochs of the map that they remember, runs of the log in blocks. All of
 * them come from indexes of the log, so the log goes on far behind every index that was ever used.
 */
import { assert } from "../../base/errors.ts";
import type { LogIndex } from "../../base/ids.ts";
import { SEQUENCES_PER_COMMAND } from "../version-id.ts";

/** More than one group applies between a copy and the loss of what came after it. */
export const SKIPPED = 2 ** 32;
const BEGIN_MS = Date.UTC(2025, 0, 1);
/**
 * The same copy may be brought back several times, and then SKIPPED alone leads to the same place. So
 * time does its part: no group keeps up with so many commands in each second of its life.
 */
const INDEXES_A_SECOND = 4096;
/** A clock that is far ahead does not use up the indexes, of which there are twice as many. */
const MOST_BY_TIME = 2 ** 42;

export function behindAll(index: LogIndex, nowMs: number): LogIndex {
  const byTime = Math.floor(((nowMs - BEGIN_MS) / 1000) * INDEXES_A_SECOND);
  const next = Math.max(index + SKIPPED, Math.min(byTime, MOST_BY_TIME));
  assert(Number.isSafeInteger(next * SEQUENCES_PER_COMMAND), "there are indexes left");
  return next as LogIndex;
}
