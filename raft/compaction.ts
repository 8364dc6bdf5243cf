/** Forgets entries that the state contains durably, but not those that somebody is about to need. */
import { assert } from "../base/errors.ts";
import type { LogIndex } from "../base/ids.ts";
import type { Core } from "./core.ts";

/** While a snapshot is under way, so many times as much is kept. */
const SENDING = 4;

/** The state is durable up to `index`. What is kept beyond that is bounded. */
export function compact(core: Core, index: LogIndex): void {
  assert(index <= core.handedOut, "only what was handed out can be in the state");
  const keepFrom = Math.min(index, neededAbove(core)) as LogIndex;
  if (keepFrom > core.log.baseIndex) core.log.compact(keepFrom);
}

/** Up to here everybody who gets the log has it, as far as it is worth the memory. */
function neededAbove({ role, log, settings }: Core): number {
  if (role.kind !== "leader") return Infinity;
  let needed = Infinity;
  for (const { match, snapshot } of role.peers.values()) {
    // Without what follows it, a snapshot under way would be of no use when it arrives.
    const most = settings.retainBytes * (snapshot === undefined ? 1 : SENDING);
    if (log.bytes <= most) needed = Math.min(needed, snapshot?.index ?? match);
  }
  return needed;
}
