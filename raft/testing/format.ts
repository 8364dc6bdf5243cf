/** What nodes say and do, as lines for people. */
import { unreachable } from "../../base/errors.ts";
import { type Configuration, isJoint } from "../configuration.ts";
import { decodeConfiguration } from "../configuration-codec.ts";
import type { Entry } from "../entry.ts";
import type { Message } from "../message.ts";
import type { Persist, SnapshotTask } from "../outputs.ts";
import type { Status } from "../raft.ts";

export function formatConfiguration(configuration: Configuration): string {
  const { voters, outgoing, learners, demoted } = configuration;
  const list = (name: string, ids: readonly number[]) =>
    ids.length === 0 ? "" : ` ${name} ${ids.join(",")}`;
  const joint = isJoint(configuration) ? list("outgoing", outgoing) : "";
  return `voters ${voters.join(",")}${joint}${list("learners", learners)}${list("demoted", demoted)}`;
}

export function formatEntry({ index, term, kind, data }: Entry): string {
  const place = `${index}@${term}`;
  if (kind === "configuration")
    return `${place} [${formatConfiguration(decodeConfiguration(data))}]`;
  return kind === "nothing" ? `${place} nothing` : `${place} "${Buffer.from(data).toString()}"`;
}

const formatEntries = (entries: readonly Entry[]): string => entries.map(formatEntry).join(", ");

export function formatMessage(message: Message): string {
  const { from, to, term, type } = message;
  return `${from}>${to} ${type} term ${term}${formatBody(message)}`;
}

function formatBody(message: Message): string {
  switch (message.type) {
    case "preVote":
    case "vote": {
      const forced = message.type === "vote" && message.forced ? " forced" : "";
      return `, log ends at ${message.lastIndex}@${message.lastTerm}${forced}`;
    }
    case "preVoteReply":
    case "voteReply":
      return message.granted ? " yes" : " no";
    case "append": {
      const { previousIndex, previousTerm, commit, entries } = message;
      const content = entries.length === 0 ? "none" : formatEntries(entries);
      return `, after ${previousIndex}@${previousTerm}, commit ${commit}: ${content}`;
    }
    case "appended":
      return ` ${message.index}`;
    case "rejected":
      return ` ${message.previousIndex}, try ${message.hintIndex}@${message.hintTerm}`;
    case "heartbeat": {
      const { round, commit, recovery } = message;
      const target = recovery === undefined ? "" : `, recover to ${recovery.target}`;
      return ` ${round}, commit ${commit}${target}`;
    }
    case "heartbeatReply":
      return ` ${message.round}${message.recovering === 0 ? "" : ", recovering"}`;
    default:
      return formatRest(message);
  }
}

function formatRest(
  message: Exclude<
    Message,
    {
      type:
        | "preVote"
        | "vote"
        | "preVoteReply"
        | "voteReply"
        | "append"
        | "appended"
        | "rejected"
        | "heartbeat"
        | "heartbeatReply";
    }
  >,
): string {
  switch (message.type) {
    case "commit":
      return ` ${message.commit}`;
    case "snapshotPiece": {
      const { head, offset, last } = message.piece;
      return ` of ${head.index}@${head.term} from ${offset}${last ? ", the last" : ""}`;
    }
    case "snapshotReply":
      return ` has ${message.offset}`;
    case "propose":
      return ` ${message.proposals.map(({ data }) => `"${Buffer.from(data).toString()}"`).join(", ")}`;
    case "proposeReply": {
      const accepted = message.accepted.map(({ index, term }) => ` at ${index}@${term}`);
      return [...accepted, ...message.refused.map(({ reason }) => ` refused: ${reason}`)].join(",");
    }
    case "readReply":
      return message.index === undefined ? " no" : ` at ${message.index}`;
    case "read":
    case "stale":
    case "timeoutNow":
      return "";
    default:
      return unreachable(message);
  }
}

export function formatPersist({ hardState, reset, entries, thenSend }: Persist): string {
  const parts: string[] = [];
  if (hardState !== undefined) {
    const { term, vote, mustNotVote } = hardState;
    parts.push(`term ${term} vote ${vote}${mustNotVote ? " must not vote" : ""}`);
  }
  if (reset !== undefined) parts.push(`log begins behind ${reset.index}@${reset.term}`);
  if (entries.length > 0) parts.push(formatEntries(entries));
  if (thenSend.length > 0) parts.push(`then sends ${thenSend.length}`);
  return parts.join("; ");
}

export function formatTask(task: SnapshotTask): string {
  switch (task.type) {
    case "read":
      return `reads a snapshot for ${task.to} from ${task.offset}`;
    case "release":
      return `releases the snapshot for ${task.to}`;
    case "store":
      return `stores the piece from ${task.piece.offset}`;
    case "install":
      return `installs the state of ${task.piece.head.index}@${task.piece.head.term}`;
    case "discard":
      return "discards what it received";
    default:
      return unreachable(task);
  }
}

export function formatStatus(status: Status): string {
  const { id, role, term, vote, leader, commit, baseIndex, lastIndex, durableIndex } = status;
  const peers = status.peers.map(({ id: peer, match, state }) => ` ${peer}:${state} ${match}`);
  return (
    `${id} ${role} term ${term} vote ${vote} leader ${leader} log ${baseIndex}..${lastIndex}` +
    ` durable ${durableIndex} commit ${commit} ${formatConfiguration(status.configuration)}` +
    `${status.mustNotVote ? " must not vote" : ""}${peers.join(",")}`
  );
}
