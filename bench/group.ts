/**
 * A group of nameservers as real processes with synced logs, and a load of `putObject` commands (or of
 * what a GET asks first) from a process of its own: CPU time of each process for a command, how many
 * entries share a sync, latencies at full and at half load. Rounds of several checkouts take turns,
 * for the speed of a machine drifts.
 *
 *     node bench/group.ts [--work put|read] [--seconds 5] [--rounds 3] [--lanes 256]
 *                         [--members 3] [--rate n | --full] [--tree <other checkout>...] [--profile <folder>] [--json]
 */
import console from "node:console";
import { resolve } from "node:path";
import { Command } from "commander";
import { runConditions } from "../cli/bench/conditions.ts";
import { spreadOf } from "../cli/bench/statistics.ts";
import type { MemberCounts } from "./group/messages.ts";
import { Group, here, type Loaded } from "./group/processes.ts";

interface Flags {
  readonly work: "put" | "read";
  readonly seconds: string;
  readonly warm: string;
  readonly rounds: string;
  readonly lanes: string;
  readonly members: string;
  readonly reads: "quorum" | "lease";
  readonly tree: readonly string[];
  readonly rate?: string;
  readonly full?: boolean;
  readonly profile?: string;
  readonly json?: boolean;
}

/** One run of the load against one group. */
interface Run {
  readonly tree: string;
  readonly load: "full" | "half";
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mostMs: number;
  /** CPU microseconds for each command. */
  readonly clientMicros: number;
  readonly leaderMicros: number;
  readonly leaderThreadMicros: number;
  readonly followerMicros: number;
  readonly followerThreadMicros: number;
  readonly totalMicros: number;
  readonly leaderEntriesPerSync: number;
  readonly followerEntriesPerSync: number;
  readonly logBytesPerEntry: number;
  readonly stallMs: number;
}

type Sums = Omit<MemberCounts, "isLeader" | "stallMs" | "rssBytes" | "mappedBytes">;

function since(now: MemberCounts, then: MemberCounts): Sums {
  return {
    cpuMicros: now.cpuMicros - then.cpuMicros,
    threadMicros: now.threadMicros - then.threadMicros,
    entries: now.entries - then.entries,
    syncs: now.syncs - then.syncs,
    logBytes: now.logBytes - then.logBytes,
  };
}

function runOf(tree: string, load: Run["load"], loaded: Loaded): Run {
  const { before, after } = loaded;
  const { done, seconds, cpuMicros, p50Ms, p99Ms, mostMs } = loaded.counts;
  const spent = after.map((now, i) => since(now, before[i] ?? now));
  const at = after.findIndex(({ isLeader }) => isLeader);
  const leader = spent[at];
  if (leader === undefined) throw new Error("nobody leads");
  const others = spent.filter((_, i) => i !== at);
  const mean = (of: (one: Sums) => number) =>
    others.reduce((sum, one) => sum + of(one), 0) / Math.max(1, others.length);
  const each = (micros: number) => micros / done;
  return {
    ...{ tree, load, p50Ms, p99Ms, mostMs },
    perSecond: done / seconds,
    clientMicros: each(cpuMicros),
    leaderMicros: each(leader.cpuMicros),
    leaderThreadMicros: each(leader.threadMicros),
    followerMicros: each(mean((one) => one.cpuMicros)),
    followerThreadMicros: each(mean((one) => one.threadMicros)),
    totalMicros: each(cpuMicros + spent.reduce((sum, one) => sum + one.cpuMicros, 0)),
    leaderEntriesPerSync: leader.entries / leader.syncs,
    followerEntriesPerSync: mean((one) => one.entries / one.syncs),
    logBytesPerEntry: leader.logBytes / leader.entries,
    stallMs: after[at]?.stallMs ?? 0,
  };
}

async function round(tree: string, flags: Flags, number: number): Promise<Run[]> {
  const { work, reads, profile } = flags;
  const members = Number(flags.members);
  await using group = await Group.start({
    ...{ tree, members, reads },
    ...(profile !== undefined && { profile }),
  });
  const seconds = Number(flags.seconds);
  const lanes = Number(flags.lanes);
  const order = (prefix: string) => ({ work, seconds, lanes, prefix: `${prefix}${number}` });
  const run = async (load: Run["load"], more: { rate?: number; lanes?: number } = {}) =>
    runOf(tree, load, await group.load({ ...order(load), ...more }));
  const atRate = (rate: number) => run("half", { rate, lanes: 1000 });
  // Until the code is compiled for good; slower than it is, else.
  await group.load({ ...order("warm"), seconds: Number(flags.warm) });
  if (flags.rate !== undefined) return [await atRate(Number(flags.rate))];
  const full = await run("full");
  return flags.full ? [full] : [full, await atRate(Math.round(full.perSecond / 2))];
}

const columns = [
  ["perSecond", "/s", 0],
  ["p50Ms", "p50 ms", 1],
  ["p99Ms", "p99 ms", 1],
  ["clientMicros", "client µs", 1],
  ["leaderMicros", "leader µs", 1],
  ["leaderThreadMicros", "(thread)", 1],
  ["followerMicros", "follower µs", 1],
  ["followerThreadMicros", "(thread)", 1],
  ["totalMicros", "total µs", 1],
  ["leaderEntriesPerSync", "entries/sync", 1],
  ["followerEntriesPerSync", "(follower)", 1],
  ["logBytesPerEntry", "log B", 0],
  ["stallMs", "stall ms", 0],
] as const;

function print(runs: readonly Run[]): void {
  console.log(["tree, load".padEnd(28), ...columns.map(([, name]) => name)].join("  "));
  for (const load of ["full", "half"] as const)
    for (const tree of new Set(runs.map((run) => run.tree))) {
      const mine = runs.filter((run) => run.tree === tree && run.load === load);
      if (mine.length === 0) continue;
      const cells = columns.map(([key, name, digits]) =>
        spreadOf(mine.map((run) => run[key]))
          .median.toFixed(digits)
          .padStart(name.length),
      );
      console.log([`${tree}, ${load}`.padEnd(28), ...cells].join("  "));
    }
}

const flags = new Command()
  .option("--work <kind>", "put or read", "put")
  .option("--seconds <n>", "of each run", "5")
  .option("--warm <n>", "seconds before the first run", "5")
  .option("--rounds <n>", "of each checkout", "3")
  .option("--lanes <n>", "commands at once", "256")
  .option("--members <n>", "nameservers", "3")
  .option("--reads <how>", "quorum or lease", "quorum")
  .option("--tree <folder...>", "checkouts that take turns", [here])
  .option("--rate <n>", "commands a second, instead of as many as go and then half of that")
  .option("--full", "full load only")
  .option("--profile <folder>", "where a CPU profile of each process goes")
  .option("--json", "print JSON")
  .parse()
  .opts<Flags>();

const runs: Run[] = [];
for (let number = 0; number < Number(flags.rounds); number++)
  for (const tree of flags.tree) runs.push(...(await round(resolve(tree), flags, number)));
const conditions = runConditions();
if (flags.json) console.log(JSON.stringify({ conditions, flags, runs }, null, 2));
else {
  console.log(JSON.stringify(conditions));
  print(runs);
}
