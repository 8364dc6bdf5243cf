/** A leader that goes gives leadership away first, so that nobody has to wait until it is missed. */
import { type Clock, sleep } from "../../base/clock.ts";
import type { NodeId } from "../../base/ids.ts";
import type { Status } from "../../raft/raft.ts";
import { heirOf } from "./heir.ts";

const LOOK_MS = 10;

export interface HandOver {
  readonly clock: Clock;
  readonly status: () => Status;
  readonly transfer: (to: NodeId) => void;
}

/** Resolves when this member leads no more, or after `withinMs`. */
export async function handOver(
  { clock, status, transfer }: HandOver,
  withinMs: number,
): Promise<void> {
  const untilMs = clock.monotonicMs() + withinMs;
  for (let now = status(); now.role === "leader"; now = status()) {
    const heir = heirOf(now);
    if (heir === undefined || clock.monotonicMs() >= untilMs) return;
    if (now.transferTo === undefined) transfer(heir);
    await sleep(clock, LOOK_MS);
  }
}
