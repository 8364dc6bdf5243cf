/** What a nameserver says of itself while it comes into its group, or comes back. */
import { type Clock, sleep } from "../../base/clock.ts";
import type { Replica } from "./replica.ts";

const LOOK_MS = 250;
/** Of what goes on for long, a line so often. */
const SAY_MS = 5_000;
const MiB = 1024 * 1024;

/** Tells in words until this member is what it is to be, or is stopped. */
export async function tellProgress(
  group: Replica,
  clock: Clock,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let said = "";
  let saidMs = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    const now = stageOf(group);
    const nowMs = clock.monotonicMs();
    if (now.kind !== said || (now.detail !== "" && nowMs - saidMs >= SAY_MS)) {
      say(`${now.kind}${now.detail}`);
      said = now.kind;
      saidMs = nowMs;
    }
    if (now.isDone) return;
    await sleep(clock, LOOK_MS, signal);
  }
}

interface Stage {
  readonly kind: string;
  readonly detail: string;
  readonly isDone?: true;
}

function stageOf(group: Replica): Stage {
  const { status, applied, receivedBytes, leader, configuration } = group;
  if (leader === undefined) return { kind: "waiting to hear of a leader …", detail: "" };
  if (receivedBytes !== undefined)
    return {
      kind: "receiving the state",
      detail: `: ${Math.floor(receivedBytes / MiB)} MiB so far`,
    };
  if (status.mustNotVote)
    return { kind: "fetching what was lost", detail: `: at entry ${status.durableIndex}` };
  if (configuration.voters.includes(status.id))
    return { kind: "is a voter of the group", detail: "", isDone: true };
  const lag = status.commit - applied;
  if (configuration.learners.includes(status.id))
    return { kind: "learns", detail: lag > 0 ? `: ${lag} entries behind` : "" };
  return { kind: "waiting to be taken into the group …", detail: "" };
}
