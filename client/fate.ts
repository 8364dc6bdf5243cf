/** What an attempt that failed says about what was asked for. */
import { hasCode, QuarryError } from "../base/errors.ts";
import { InterruptedCall } from "../rpc/call.ts";

/**
 * `answered`: it was judged, and this is the answer. `not begun`: this attempt did nothing; another
 * may do better. `hopeless`: this attempt did nothing, and another would go no better now. `open`: it
 * may have been done, or may be done yet.
 */
export type Fate = "answered" | "not begun" | "hopeless" | "open";

export function fateOf(error: unknown): Fate {
  if (!(error instanceof QuarryError)) return "answered";
  if (error instanceof InterruptedCall) {
    const { mayHaveExecuted } = error;
    if (hasCode(error, "Busy", "Protocol", "Cancelled")) return "hopeless";
    return mayHaveExecuted ? "open" : "not begun";
  }
  // A server that goes away says so before it begins.
  if (hasCode(error, "NotLeader", "Closed")) return "not begun";
  if (hasCode(error, "Busy", "DiskFull")) return "hopeless";
  return hasCode(error, "OutcomeUnknown", "DiskFailed") ? "open" : "answered";
}

/** Of an attempt to change something: only the state judges it, and never in words such as these. */
export function fateOfChange(error: unknown): Fate {
  if (error instanceof InterruptedCall) return error.mayHaveExecuted ? "open" : fateOf(error);
  return hasCode(error, "Timeout", "Unavailable") ? "open" : fateOf(error);
}
