/** Messages: first what their terms say, then who handles them. */
import { unreachable } from "../base/errors.ts";
import { becomeFollower, type Core, send } from "./core.ts";
import {
  campaign,
  handlePreVote,
  handlePreVoteReply,
  handleVote,
  handleVoteReply,
  isPatient,
} from "./election.ts";
import { NOBODY } from "./entry.ts";
import { handleAppend, handleCommit, handleHeartbeat } from "./follower.ts";
import { handleHeartbeatReply } from "./leader.ts";
import type { Message } from "./message.ts";
import { handlePropose } from "./proposals.ts";
import { handleRead } from "./reads.ts";
import { handleAppended, handleRejected } from "./replication.ts";
import { handleSnapshotPiece } from "./snapshot-receive.ts";
import { handleSnapshotReply } from "./snapshot-send.ts";
import { mayTakeOver } from "./transfer.ts";

export function receive(core: Core, message: Message): void {
  if (message.to !== core.id || message.from === core.id) return;
  switch (message.type) {
    // These hold in any term: what they ask or answer does not depend on it.
    case "propose":
      handlePropose(core, message);
      return;
    case "proposeReply":
      core.forwarding.handleProposeReply(core, message);
      return;
    case "read":
      handleRead(core, message);
      return;
    case "readReply":
      core.forwarding.handleReadReply(core, message);
      return;
    // These speak of a term that nobody has entered yet.
    case "preVote":
      handlePreVote(core, message);
      return;
    case "preVoteReply":
      handlePreVoteReply(core, message);
      return;
    default:
  }
  if (message.term < core.term) {
    tellTerm(core, message);
    return;
  }
  if (message.term > core.term) {
    // A candidate that a living leader would be disturbed by is not even followed into its term.
    if (message.type === "vote" && !message.forced && isPatient(core)) return;
    becomeFollower(core, message.term, NOBODY);
  }
  dispatch(core, message);
}

/** The sender's term is over, which it must learn when it asks for something. */
function tellTerm(core: Core, message: Message): void {
  switch (message.type) {
    case "append":
    case "heartbeat":
    case "snapshotPiece":
      send(core, message.from, { type: "stale" });
      return;
    case "vote":
      send(core, message.from, { type: "voteReply", granted: false });
      return;
    default:
  }
}

function dispatch(
  core: Core,
  message: Exclude<
    Message,
    { type: "propose" | "proposeReply" | "read" | "readReply" | "preVote" | "preVoteReply" }
  >,
): void {
  switch (message.type) {
    case "vote":
      handleVote(core, message);
      return;
    case "voteReply":
      handleVoteReply(core, message);
      return;
    case "append":
      handleAppend(core, message);
      return;
    case "appended":
      handleAppended(core, message);
      return;
    case "rejected":
      handleRejected(core, message);
      return;
    case "heartbeat":
      handleHeartbeat(core, message);
      return;
    case "heartbeatReply":
      handleHeartbeatReply(core, message);
      return;
    case "commit":
      handleCommit(core, message);
      return;
    case "snapshotPiece":
      handleSnapshotPiece(core, message);
      return;
    case "snapshotReply":
      handleSnapshotReply(core, message);
      return;
    case "timeoutNow":
      if (mayTakeOver(core)) campaign(core, true);
      return;
    case "stale":
      return;
    default:
      unreachable(message);
  }
}
