/** What a majority holds durably is decided, if it ends in an entry of the leader's own term. */
import { assert } from "../base/errors.ts";
import type { LogIndex } from "../base/ids.ts";
import { type Core, commitTo, configurationNow } from "./core.ts";
import { entryBytes } from "./entry.ts";
import type { LeaderRole } from "./leader-role.ts";
import { membersDecided } from "./members.ts";
import { quorumValue } from "./quorum.ts";

export function advanceCommit(core: Core, leader: LeaderRole): void {
  const own = core.rules.ownMatch(core.persistence.durableIndex, core.log.lastIndex);
  const held = quorumValue(configurationNow(core), core.rules, (id) =>
    id === core.id ? own : (leader.peers.get(id)?.match ?? 0),
  ) as LogIndex;
  if (held <= core.commit) return;
  const heldTerm = core.log.termAt(held);
  assert(heldTerm !== undefined, "a majority holds no more than the leader");
  // An entry of an earlier term may be on a majority and yet be replaced (the paper's figure 8).
  if (!core.rules.commits(heldTerm, core.term)) return;
  const before = core.commit;
  commitTo(core, held);
  for (const entry of core.log.slice((before + 1) as LogIndex, held))
    leader.uncommittedBytes -= entryBytes(entry);
  assert(leader.uncommittedBytes >= 0, "what is committed was counted as uncommitted");
  membersDecided(core, leader);
}
