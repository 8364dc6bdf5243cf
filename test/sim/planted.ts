/** Bugs to plant, each of a kind that one slip of the hand would make. */
import { Applier } from "../../nameserver/group/applier.ts";
import { Snapshots } from "../../nameserver/group/snapshots.ts";
import { Log } from "../../nameserver/log/log.ts";
import { isHeadKey, StateMachine } from "../../nameserver/state-machine.ts";
import { type Rules, rules } from "../../raft/rules.ts";
import type { Flaw } from "./flaw.ts";
import { inPlaceOf } from "./planting.ts";

const rule = (wrong: Partial<Rules>) => () => {
  const right = { ...rules };
  Object.assign(rules, wrong);
  return () => Object.assign(rules, right);
};

export const planted: readonly Flaw[] = [
  {
    name: "the persister skips its sync",
    knownSeed: 20,
    liesAbout: (path) => path.includes("/log/"),
  },
  { name: "a change is acknowledged before it is applied", answersEarly: true },
  { name: "a read is served without the barrier", readsAtOnce: true },
  { name: "a read needs no round", plant: rule({ confirmsRead: () => true }) },
  { name: "an entry is applied twice after a restart", splitsBatches: true },
  { name: "term and vote are forgotten", forgetsVote: true },
  {
    name: "the log is not begun anew behind a snapshot",
    plant: inPlaceOf(Log.prototype, "reset", () => () => Promise.resolve()),
  },
  {
    name: "applying depends on where it is done",
    plant: inPlaceOf(StateMachine.prototype, "applyRun", (right) => {
      let runs = 0;
      return function applyRun(this: StateMachine, entries) {
        const late = entries.map((entry) => ({ ...entry, timeMs: entry.timeMs + 1 }));
        runs++;
        return right.call(this, runs % 50 === 0 ? late : entries);
      };
    }),
  },
  {
    name: "a snapshot is taken that lacks a row",
    receives: (changes) => {
      const lost = changes.findIndex(({ key }) => !isHeadKey(key));
      return changes.filter((_, i) => i !== lost);
    },
  },
  {
    name: "the log is cut above the durable state",
    plant: inPlaceOf(Log.prototype, "append", (right) => {
      return async function append(this: Log, entries) {
        await right.call(this, entries);
        await this.cut(this.last.index);
      };
    }),
  },
  {
    name: "a read does not wait until its index is applied",
    plant: inPlaceOf(Applier.prototype, "reached", () => () => Promise.resolve()),
  },
  {
    name: "snapshots are thrown away",
    plant: inPlaceOf(Snapshots.prototype, "add", () => () => undefined),
  },
  {
    name: "a change is answered by whichever entry took its place",
    plant: inPlaceOf(Applier.prototype, "add", (right) => {
      return function add(this: Applier, entries) {
        right.call(
          this,
          entries.map((entry) => ({ ...entry, term: 1 as typeof entry.term })),
        );
      };
    }),
  },
  // Since those that ask for votes give way to each other it takes some hundred seeds.
  { name: "two votes in a term", knownSeed: 267, plant: rule({ voteIsFree: () => true }) },
  { name: "anybody's log is new enough", plant: rule({ isUpToDate: () => true }) },
  { name: "one less than a majority", plant: rule({ majority: (n) => Math.floor(n / 2) }) },
  { name: "logs need not agree before what is added", plant: rule({ joins: () => true }) },
  {
    name: "a follower commits what it has not compared",
    plant: rule({ followerCommit: (commit) => commit }),
  },
];
