/**
 * Tests of the tests: each rule that safety hangs on is broken in turn. The transcripts must come out
 * otherwise, or the simulation must find something wrong. `RAFT_MUTATION_SEEDS=500` lets the
 * simulation look for all of them, and for longer; it says what it found.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Rules } from "./rules.ts";
import type { StorageDefects } from "./testing/storage.ts";
import { runTranscript } from "./testing/transcript.ts";
import { World, type WorldOptions } from "./testing/world.ts";

const folder = join(import.meta.dirname, "transcripts");
const seeds = Number(process.env["RAFT_MUTATION_SEEDS"] ?? 0);
/** Without the longer search, for those that no transcript shows. */
const FEW_SEEDS = 40;

type Mutation = Pick<WorldOptions, "reads"> & {
  readonly what: string;
  readonly rules?: Partial<Rules>;
  readonly defects?: StorageDefects;
};

const lease = "lease" as const;
const mutations: readonly Mutation[] = [
  { what: "a node votes twice in a term", rules: { voteIsFree: () => true } },
  { what: "a vote is not persisted", defects: { losesHardState: true } },
  { what: "a log is acknowledged before it is durable", defects: { losesEntries: true } },
  { what: "half of the voters decide", rules: { majority: (count) => Math.max(1, count >> 1) } },
  {
    what: "a joint configuration asks the new voters only",
    rules: { electorates: ({ voters }) => [voters] },
  },
  { what: "whoever asks for a vote gets it", rules: { isUpToDate: () => true } },
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
  { what: "a leader reads before its first commit", rules: { knowsCommit: () => true } },
  { what: "a read is answered without asking a majority", rules: { confirmsRead: () => true } },
  { what: "a node that lost entries votes", rules: { mayVote: () => true } },
  {
    what: "a node that lost entries has recovered as soon as a leader speaks to it",
    rules: { hasRecovered: () => true },
  },
  { what: "who hears a leader helps to replace it", reads: lease, rules: { isHeard: () => false } },
  {
    what: "a lease takes no account of clocks that drift",
    reads: lease,
    rules: { leaseEndMs: (sentMs, electionMs) => sentMs + electionMs },
  },
  {
    what: "a lease goes on though another was asked to take over",
    reads: lease,
    rules: { leaseOutlivesTransfer: true },
  },
  {
    what: "a restart forgets the promise to be patient",
    reads: lease,
    rules: { startsPatient: false },
  },
];

/** Transcripts that come out otherwise. */
function changed({ rules, defects }: Omit<Mutation, "what">): string[] {
  return readdirSync(folder).filter((name) => {
    const text = readFileSync(join(folder, name), "utf8");
    return runTranscript(text, rules, defects?.losesHardState) !== text;
  });
}

/** The first seed that shows something wrong, and what. */
function storm(options: Omit<Mutation, "what">, most: number) {
  for (let seed = 1; seed <= most; seed++)
    try {
      new World({ ...options, seed }).run();
    } catch (error) {
      return { seed, found: (error as Error).message };
    }
  return undefined;
}

describe("a broken rule is found", () => {
  test.each(mutations)("$what", { timeout: 3_600_000 }, ({ what, ...options }) => {
    const scripts = changed(options);
    const found = storm(options, seeds > 0 ? seeds : scripts.length > 0 ? 0 : FEW_SEEDS);
    if (seeds > 0) console.log(JSON.stringify({ what, scripts: scripts.length, ...found }));
    expect(scripts.length > 0 || found !== undefined).toBe(true);
  });
});
