/** Proposals become entries at the leader, as long as it can keep up with them. */
import { assert } from "../base/errors.ts";
import type { NodeId, Term } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { type Core, send } from "./core.ts";
import { refuse } from "./forwarding.ts";
import { appendOwn } from "./leader-log.ts";
import type { LeaderRole } from "./leader-role.ts";
import type { AcceptedProposal, MessageOf } from "./message.ts";
import type { Proposal, RefusalReason } from "./outputs.ts";

/** The owner proposes. */
export function propose(core: Core, proposal: Proposal, within: Term | undefined): void {
  assert(proposal.data.length <= limits.commandBytes, "a command has its greatest length");
  const leader = core.role;
  if (within !== undefined && (leader.kind !== "leader" || core.term !== within)) {
    refuse(core, proposal.id, "noLeader");
    return;
  }
  if (leader.kind !== "leader") {
    core.forwarding.propose(core, proposal);
    return;
  }
  const obstacle = obstacleTo(core, leader);
  if (obstacle !== undefined) {
    refuse(core, proposal.id, obstacle);
    return;
  }
  const { index, term } = appendOwn(core, leader, "command", proposal);
  core.outbox.accepted.push({ id: proposal.id, index, term });
}

/** Another node proposes what its owner gave it. */
export function handlePropose(core: Core, message: MessageOf<"propose">): void {
  const leader = core.role;
  const accepted: AcceptedProposal[] = [];
  const refused: { id: number; reason: RefusalReason }[] = [];
  for (const proposal of message.proposals) {
    const { id } = proposal;
    const tooLarge = proposal.data.length > limits.commandBytes;
    const obstacle = tooLarge ? "invalid" : obstacleTo(core, leader);
    if (obstacle !== undefined || leader.kind !== "leader")
      refused.push({ id, reason: obstacle ?? "noLeader" });
    else {
      const { index, term } = appendOwn(core, leader, "command", proposal);
      accepted.push({ id, index, term });
    }
  }
  reply(core, message.from, accepted, refused);
}

function reply(
  core: Core,
  to: NodeId,
  accepted: readonly AcceptedProposal[],
  refused: readonly { id: number; reason: RefusalReason }[],
): void {
  send(core, to, { type: "proposeReply", accepted, refused });
}

function obstacleTo(core: Core, leader: Core["role"]): RefusalReason | undefined {
  if (leader.kind !== "leader") return "noLeader";
  if (leader.transfer !== undefined) return "transferring";
  return isBusy(core, leader) ? "busy" : undefined;
}

function isBusy(core: Core, leader: LeaderRole): boolean {
  return (
    leader.uncommittedBytes >= limits.raftUncommittedBytes ||
    core.log.lastIndex - core.commit >= limits.raftUncommittedEntries ||
    core.persistence.isFull
  );
}
