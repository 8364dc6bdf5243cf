/** Who needs the nameservers may be started before them: it goes on trying, and says so once. */
import { stayAwake } from "../../base/clock.ts";
import { type ErrorCode, hasCode } from "../../base/errors.ts";
import { awake } from "../awake.ts";

const PAUSE_MS = 500;

/** What time may mend; a wrong secret it does not. */
const PASSING: readonly ErrorCode[] = [
  "Unavailable",
  "Timeout",
  "NotLeader",
  "Closed",
  "OutcomeUnknown",
];

interface Attempts<T> {
  /** May be repeated, whatever became of the one before. */
  attempt(): Promise<T>;
  tell(trouble: string): void;
  /** Resolves when there is no use in going on. */
  readonly asked: Promise<undefined>;
}

export async function untilReached<T>(options: Attempts<T>): Promise<T | "asked to stop"> {
  const { attempt, tell } = options;
  const asked = options.asked.then(() => "asked to stop" as const);
  for (let told = false; ; told = true) {
    const outcome = await Promise.race([asked, awake(attempt())]).catch((error: unknown) => {
      if (!hasCode(error, ...PASSING)) throw error;
      return error;
    });
    if (!hasCode(outcome, ...PASSING)) return outcome as T | "asked to stop";
    if (!told) tell(`the nameservers do not answer yet, trying on: ${outcome.message}`);
    if ((await Promise.race([asked, stayAwake(PAUSE_MS)])) !== undefined) return await asked;
  }
}
