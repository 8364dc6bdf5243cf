/** What all faults of groups wait for, and complain about when it does not come. */
import { setTimeout as sleep } from "node:timers/promises";
import type { NameserverGroup } from "../nameserver-group.ts";
import type { GroupLoad } from "./group-load.ts";

const LONGEST_MS = 30_000;

/** Waits until it holds; complains when it takes too long. */
export async function until(
  what: string,
  load: GroupLoad,
  holds: () => Promise<boolean> | boolean,
  longestMs = LONGEST_MS,
): Promise<void> {
  const untilMs = performance.now() + longestMs;
  while (!(await holds())) {
    if (performance.now() > untilMs) return load.complain(`not within ${longestMs} ms: ${what}`);
    await sleep(20);
  }
}

/** The member runs and follows a leader, or leads. */
export async function untilBack(
  group: NameserverGroup,
  node: number,
  load: GroupLoad,
): Promise<void> {
  const isBack = async () => ((await group.status(node))?.leader ?? 0) !== 0;
  await until(`nameserver ${node} is back`, load, isBack);
}

/** When the load is over, all members have the same state. */
export async function agree(group: NameserverGroup, load: GroupLoad): Promise<void> {
  const digests = await group.digests(LONGEST_MS);
  if (digests.size !== 1) load.complain(`states differ: ${[...digests].join(" ")}`);
  if (load.complaints().length > 0)
    load.complain(`the last lines of the processes:\n${group.output.slice(-2_000)}`);
}
