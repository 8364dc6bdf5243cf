/**
 * Tests of the tests: each rule that safety hangs on is broken in turn, and the simulation must find
 * out. `RAFT_MUTATION_SEEDS=500` looks longer for each.
 */
import { describe, expect, test } from "vitest";
import type { Rules } from "./rules.ts";
import type { StorageDefects } from "./testing/storage.ts";
import { World, type WorldOptions } from "./testing/world.ts";

const seeds = Number(process.env["RAFT_MUTATION_SEEDS"] ?? 100);

type Mutation = Pick<WorldOptions, "reads"> & {
  readonly what: string;
  readonly rules?: Partial<Rules>;
  readonly defects?: StorageDefects;
};

const mutations: readonly Mutation[] = [
  { what: "a node votes twice in a term", rules: { voteIsFree: () => true } },
  { what: "a vote is not persisted", defects: { losesHardState: true } },
  { what: "a log is acknowledged before it is durable", defects: { losesEntries: true } },
  { what: "half of the voters decide", rules: { majority: (count) => Math.max(1, count >> 1) } },
  {
    what: "a joint configuration asks the new voters only",
    rules: { electorates: ({ voters }) => [voters] },
  },
  {
    what: "whoever asks for a vote gets it, however short its log",
    rules: { isUpToDate: () => true },
  },
  { what: "a majority commits an entry of an earlier term", rules: { commits: () => true } },
  {
    what: "a leader counts itself before its own write is durable",
    rules: { ownMatch: (_durable, last) => last },
  },
  {
    what: "a follower commits what it has not compared with its leader",
    rules: { followerCommit: (leaderCommit) => leaderCommit },
  },
  {
    what: "entries are appended behind others than the leader has",
    rules: { joins: (mine) => mine !== undefined },
  },
  {
    what: "a leader reads before it has committed in its term",
    rules: { knowsCommit: () => true },
  },
  { what: "a read is answered without asking a majority", rules: { confirmsRead: () => true } },
  { what: "a node that lost entries votes", rules: { mayVote: () => true } },
  {
    what: "a node that lost entries has recovered as soon as a leader speaks to it",
    rules: { hasRecovered: () => true },
  },
  {
    what: "who hears a leader helps to replace it",
    reads: "lease",
    rules: { isHeard: () => false },
  },
  {
    what: "a lease takes no account of clocks that drift",
    reads: "lease",
    rules: { leaseEndMs: (sentMs, electionMs) => sentMs + electionMs },
  },
  {
    what: "a lease goes on though another was asked to take over",
    reads: "lease",
    rules: { leaseOutlivesTransfer: true },
  },
  {
    what: "a restart forgets the promise to be patient",
    reads: "lease",
    rules: { startsPatient: false },
  },
];

/** The first seed that shows something wrong, and what. */
function find(options: Omit<Mutation, "what">): { seed: number; found: string } | undefined {
  for (let seed = 1; seed <= seeds; seed++)
    try {
      new World({ ...options, seed }).run();
    } catch (error) {
      return { seed, found: (error as Error).message };
    }
  return undefined;
}

describe("a broken rule is found", () => {
  test.each(mutations)("$what", { timeout: 3_600_000 }, ({ what, ...options }) => {
    const result = find(options);
    console.log(`${what}: ${JSON.stringify(result)}`);
    expect(result).toBeDefined();
  });
});
