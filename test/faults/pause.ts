/**
 * SIGSTOP of the leader for a long time, then SIGCONT. What clients asked it while it stood still lies
 * in its sockets and is the first that it hears: it must not answer any of it from its old state.
 *
 *   npm run faults -- pause --seconds 120 --seed 1 --pause 30
 */
import { setTimeout as sleep } from "node:timers/promises";
import { askAlone } from "./ask-alone.ts";
import { type GroupFaultOptions, underLoad } from "./group-fault.ts";
import type { LoadCounts } from "./group-load.ts";
import { untilBack } from "./watching.ts";

/** Clients that ask only the paused leader, each at another moment of its pause. */
const PINNED = 12;
const FIRST_CLIENT = 100;

export interface PauseCounts extends LoadCounts {
  readonly failovers: number;
  /** Answers of the leader that had stood still to what was asked meanwhile, and just after. */
  readonly answeredByOld: number;
}

export async function pause(
  options: GroupFaultOptions & { readonly pauseMs: number },
): Promise<PauseCounts> {
  const { pauseMs, say } = options;
  let failovers = 0;
  let answeredByOld = 0;
  const counts = await underLoad(options, {}, async ({ group, load }) => {
    await sleep(load.dice.between(500, 2_000));
    const leader = await group.leader();
    const pinned = Array.from({ length: PINNED }, (_, i) =>
      askAlone(group, leader, load, { client: FIRST_CLIENT + i, whileMs: pauseMs }),
    );
    load.mark();
    group.signal(leader, "SIGSTOP");
    await load.acknowledgedAgain();
    const { lastFirstMs } = load.progress;
    await sleep(Math.max(0, pauseMs - lastFirstMs));
    group.signal(leader, "SIGCONT");
    for (const answered of await Promise.all(pinned)) answeredByOld += answered;
    await untilBack(group, leader, load);
    failovers++;
    say?.(`pause ${failovers}: acknowledged again after ${lastFirstMs} ms`);
  });
  return { ...counts, failovers, answeredByOld };
}
