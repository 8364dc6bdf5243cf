/** Why a nameserver cannot answer. */
import { QuarryError } from "../../base/errors.ts";
import { NotLeader } from "../../rpc/not-leader.ts";

/** What ended this nameserver, in words. */
export function failureOf(error: unknown): QuarryError {
  if (error instanceof QuarryError) return error;
  // LevelDB has no codes.
  if (/No space left on device|Disk quota exceeded/.test(String(error)))
    return new QuarryError(
      "DiskFull",
      "no room is left on the disk of the metadata; free some, then start again: what was acknowledged is kept",
      { cause: error },
    );
  return new QuarryError("DiskFailed", `metadata cannot be changed: ${String(error)}`, {
    cause: error,
  });
}

export const closed = () => new QuarryError("Closed", "the nameserver is closed");

export const noLeader = () =>
  new NotLeader("the nameservers have no leader now; try again", undefined);

/** What was proposed is in the log of a leader that is none any more, or was on the way to one. */
export const outcomeUnknown = () =>
  new QuarryError(
    "OutcomeUnknown",
    "leadership changed hands: whether the change was made is not known; look before making it again",
  );
