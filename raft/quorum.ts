/** What a majority of the voters agrees on; in a joint configuration, of the old and of the new. */
import type { NodeId } from "../base/ids.ts";
import type { Configuration } from "./configuration.ts";
import type { Rules } from "./rules.ts";

/** The greatest value that a majority has reached. `Infinity` when there are no voters to ask. */
export function quorumValue(
  configuration: Configuration,
  rules: Rules,
  reached: (id: NodeId) => number,
): number {
  let least = Infinity;
  for (const voters of rules.electorates(configuration)) {
    if (voters.length === 0) continue;
    const values = voters.map(reached).sort((a, b) => b - a);
    least = Math.min(least, values[rules.majority(voters.length) - 1] ?? Infinity);
  }
  return least;
}

export type VoteCount = "won" | "lost" | "open";

/** How an election stands; `votes` holds the answers so far. Without voters nobody wins. */
export function countVotes(
  configuration: Configuration,
  rules: Rules,
  votes: ReadonlyMap<NodeId, boolean>,
): VoteCount {
  if (configuration.voters.length === 0) return "lost";
  let outcome: VoteCount = "won";
  for (const voters of rules.electorates(configuration)) {
    const needed = rules.majority(voters.length);
    const yes = voters.filter((id) => votes.get(id) === true).length;
    const no = voters.filter((id) => votes.get(id) === false).length;
    if (voters.length - no < needed) return "lost";
    if (yes < needed) outcome = "open";
  }
  return outcome;
}
