/**
 * Who belongs to the group. A change of voters goes through a joint configuration, in which every
 * decision needs a majority of the old voters and one of the new: C_old → C_old,new → C_new. So there
 * is no moment in which two majorities that do not meet could decide, whatever the change is.
 */
import { QuarryError } from "../base/errors.ts";
import type { NodeId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";

/** All lists ascend, without duplicates. */
export interface Configuration {
  readonly voters: readonly NodeId[];
  /** The voters before the change under way; empty when none is. */
  readonly outgoing: readonly NodeId[];
  /** They get the log and have no say. */
  readonly learners: readonly NodeId[];
  /** Outgoing voters that go on as learners when the change is complete. */
  readonly demoted: readonly NodeId[];
}

/** What a change asks for: the members as they shall be in the end. */
export interface Members {
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
}

export const NO_MEMBERS: Configuration = { voters: [], outgoing: [], learners: [], demoted: [] };

export function configurationOf(members: Members): Configuration {
  const voters = ascending(members.voters);
  const learners = ascending(members.learners);
  return { voters, outgoing: [], learners, demoted: [] };
}

export const isJoint = ({ outgoing }: Configuration): boolean => outgoing.length > 0;

export function isVoter({ voters, outgoing }: Configuration, id: NodeId): boolean {
  return voters.includes(id) || outgoing.includes(id);
}

export function isMember(configuration: Configuration, id: NodeId): boolean {
  return isVoter(configuration, id) || configuration.learners.includes(id);
}

/** Everybody who gets the log, ascending. */
export function everybody({ voters, outgoing, learners }: Configuration): NodeId[] {
  return ascending([...voters, ...outgoing, ...learners]);
}

/**
 * The first step towards `members`: a joint configuration, or at once the last one when the voters
 * stay the same.
 * @throws QuarryError `InvalidArgument` when nobody could work with such members.
 */
export function beginChange(current: Configuration, members: Members): Configuration {
  const wanted = configurationOf(members);
  const { voters, learners } = wanted;
  const size = voters.length + learners.length;
  if (voters.length === 0) throw refuse("a group needs at least one voter");
  if (voters.length !== members.voters.length || learners.length !== members.learners.length)
    throw refuse("a member is named twice");
  if (voters.some((id) => learners.includes(id))) throw refuse("a voter is no learner");
  if (size > limits.raftMembers) throw refuse(`a group has at most ${limits.raftMembers} members`);
  if (![...voters, ...learners].every((id) => Number.isSafeInteger(id) && id > 0))
    throw refuse("the id of a member is a whole number above 0");
  if (sameIds(current.voters, voters)) return wanted;
  const demoted = learners.filter((id) => current.voters.includes(id));
  return {
    voters,
    outgoing: current.voters,
    learners: learners.filter((id) => !demoted.includes(id)),
    demoted,
  };
}

/** The second step: the old voters lose their say. */
export function completeChange({ voters, learners, demoted }: Configuration): Configuration {
  return { voters, outgoing: [], learners: ascending([...learners, ...demoted]), demoted: [] };
}

function sameIds(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}

function ascending(ids: readonly NodeId[]): NodeId[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}

const refuse = (why: string) => new QuarryError("InvalidArgument", `no such group: ${why}`);
