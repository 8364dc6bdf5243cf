/**
 * Elections. First a node asks whether it could win (pre-vote): so one that was cut off does not
 * raise the term for the others when it comes back. And whoever hears a leader helps nobody to
 * replace it.
 */
import { assert } from "../base/errors.ts";
import type { NodeId, Term } from "../base/ids.ts";
import { isVoter } from "./configuration.ts";
import {
  becomeFollower,
  type CandidateRole,
  type Core,
  configurationNow,
  enterTerm,
  hardStateOf,
  mayLead,
  putOffElection,
  send,
  sendWhenDurable,
} from "./core.ts";
import { NOBODY } from "./entry.ts";
import { becomeLeader } from "./leader.ts";
import type { MessageOf } from "./message.ts";
import { countVotes } from "./quorum.ts";

/** Whether this node has heard a leader so lately that it must not help another into office. */
export function isPatient(core: Core): boolean {
  if (core.role.kind === "leader") return true;
  return core.rules.isHeard(core.heardMs, core.now.steadyMs, core.settings.electionMs);
}

/** Asks the others whether they would vote for this node. */
export function standForElection(core: Core): void {
  putOffElection(core);
  if (!mayLead(core) || isPatient(core)) return;
  const role: CandidateRole = { kind: "preCandidate", forced: false, votes: new Map() };
  core.role = role;
  role.votes.set(core.id, true);
  askForVotes(core, "preVote", false);
  count(core, role);
}

/** Begins an election. The leader may have asked for it: then nobody protects that leader. */
export function campaign(core: Core, forced: boolean): void {
  assert(mayLead(core), "only a voter that knows its log stands for election");
  if (core.role.kind === "follower") core.forwarding.leaderChanged(core);
  enterTerm(core, (core.term + 1) as Term, core.id);
  core.role = { kind: "candidate", forced, votes: new Map() };
  putOffElection(core);
  core.persistence.stageOwnVote(core.term);
  askForVotes(core, "vote", forced);
}

function askForVotes(core: Core, type: "preVote" | "vote", forced: boolean): void {
  const { voters, outgoing } = configurationNow(core);
  const { lastIndex, lastTerm } = core.log;
  for (const to of new Set([...voters, ...outgoing])) {
    if (to === core.id) continue;
    // A vote is asked for only when the term is durable: an answer may reach this node after a
    // crash, and must not find it in the same term with a shorter log than it told of.
    if (type === "vote") sendWhenDurable(core, to, { type, lastIndex, lastTerm, forced });
    else {
      const term = (core.term + 1) as Term;
      core.outbox.send.push({ type, from: core.id, to, term, lastIndex, lastTerm });
    }
  }
}

/** The vote for itself is durable. */
export function ownVoteIsDurable(core: Core, term: Term): void {
  if (core.role.kind !== "candidate" || term !== core.term) return;
  core.role.votes.set(core.id, true);
  count(core, core.role);
}

export function handlePreVote(core: Core, message: MessageOf<"preVote">): void {
  const granted =
    message.term > core.term &&
    !isPatient(core) &&
    core.rules.mayVote(core.recovering !== undefined) &&
    isUpToDate(core, message);
  // A refusal tells the term: who is behind learns it here, or could never be elected (etcd #8501).
  const term = granted ? message.term : core.term;
  core.outbox.send.push({
    type: "preVoteReply",
    from: core.id,
    to: message.from,
    term,
    granted,
  });
  // Two that ask at the same time would win both, split the votes, and lose another timeout. That
  // is no rare thing: who looks at the clock because of the question finds its own time come, too.
  if (granted && core.role.kind === "preCandidate" && message.from > core.id)
    becomeFollower(core, core.term, NOBODY);
}

export function handlePreVoteReply(core: Core, message: MessageOf<"preVoteReply">): void {
  const { role } = core;
  if (!message.granted && message.term > core.term) {
    becomeFollower(core, message.term, NOBODY);
    return;
  }
  if (role.kind !== "preCandidate") return;
  // A grant for another term belongs to another question.
  if (message.granted && message.term !== core.term + 1) return;
  register(core, role, message.from, message.granted);
}

/** The term of the message is the own one already. */
export function handleVote(core: Core, message: MessageOf<"vote">): void {
  const granted =
    core.role.kind === "follower" &&
    core.role.leader === NOBODY &&
    (message.forced || !isPatient(core)) &&
    core.rules.voteIsFree(core.vote, message.from) &&
    core.rules.mayVote(core.recovering !== undefined) &&
    isUpToDate(core, message);
  if (granted) {
    core.vote = message.from;
    core.persistence.stageHardState(hardStateOf(core));
    putOffElection(core);
    sendWhenDurable(core, message.from, { type: "voteReply", granted });
  } else send(core, message.from, { type: "voteReply", granted });
}

export function handleVoteReply(core: Core, message: MessageOf<"voteReply">): void {
  if (core.role.kind === "candidate") register(core, core.role, message.from, message.granted);
}

function register(core: Core, role: CandidateRole, from: NodeId, granted: boolean): void {
  if (!isVoter(configurationNow(core), from) || role.votes.has(from)) return;
  role.votes.set(from, granted);
  count(core, role);
}

function count(core: Core, role: CandidateRole): void {
  // In an election the own vote counts when it is durable, and without it nothing is decided.
  if (role.kind === "candidate" && role.votes.get(core.id) !== true) return;
  const outcome = countVotes(configurationNow(core), core.rules, role.votes);
  if (outcome === "lost") becomeFollower(core, core.term, NOBODY);
  else if (outcome === "won" && role.kind === "preCandidate") campaign(core, false);
  else if (outcome === "won") becomeLeader(core);
}

function isUpToDate(core: Core, asked: MessageOf<"vote"> | MessageOf<"preVote">): boolean {
  return core.rules.isUpToDate(
    { term: asked.lastTerm, index: asked.lastIndex },
    { term: core.log.lastTerm, index: core.log.lastIndex },
  );
}
