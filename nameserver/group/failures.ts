/** Why a nameserver cannot answer. */
import { QuarryError } from "../../base/errors.ts";
import { NotLeader } from "../../rpc/not-leader.ts";

/** What ended this nameserver, in words; `mayRejoin`: others hold what it may have lost. */
export function failureOf(error: unknown, mayRejoin = false): QuarryError {
  const failure = inWords(error);
  if (!mayRejoin || (failure.code !== "Damaged" && failure.code !== "DiskFailed")) return failure;
  const next =
    failure.code === "Damaged"
      ? "start it again: it sets its state aside and gets it anew from the others"
      : "see to the disk, then start it again: it checks what it has, and gets from the others what is missing";
  const message = `${failure.message}. This nameserver stops, the others go on. To bring it back, ${next}`;
  return new QuarryError(failure.code, message, { cause: error });
}

function inWords(error: unknown): QuarryError {
  if (error instanceof QuarryError) return error;
  // Nor for blocks of its tables that fail their checksums.
  if (/Corruption/.test(String(error)))
    return new QuarryError("Damaged", `the state is harmed: ${String(error)}`, { cause: error });
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
