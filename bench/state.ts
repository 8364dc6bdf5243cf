/**
 * A group of three nameservers with very many objects: memory, disk, start-up, lists and look-ups, and
 * what a snapshot to a member that begins empty costs those who write meanwhile.
 *
 *     node bench/state.ts [objects, default 1000000] [puts a second meanwhile, default 500] [folder]
 *
 * A state of ten million takes a while to fill: with a folder it is filled there, and found there.
 */
import { execFileSync } from "node:child_process";
import console from "node:console";
import { existsSync } from "node:fs";
import { cp } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { runConditions } from "../cli/bench/conditions.ts";
import type { FillCounts, LoadCounts, LoadOrder } from "./group/messages.ts";
import { childOf, ended, Group, said } from "./group/processes.ts";

const objects = Number(process.argv[2] ?? 1_000_000);
const rate = Number(process.argv[3] ?? 500);
const kept = process.argv[4];
const voters = [1, 2, 3];
const SECONDS = 10;

const MiB = 1024 * 1024;
const mib = (bytes: number) => `${Math.round(bytes / MiB)} MiB`;
const diskBytes = (directory: string) =>
  Number(execFileSync("du", ["-sb", directory], { encoding: "utf8" }).split("\t")[0]);

function say(what: string, value: string): void {
  console.log(`${what.padEnd(52)}${value}`);
}

async function timed<T>(what: string, run: () => Promise<T>): Promise<T> {
  const fromMs = performance.now();
  const result = await run();
  say(what, `${((performance.now() - fromMs) / 1000).toFixed(2)} s`);
  return result;
}

function sayLoad(what: string, { done, seconds, p50Ms, p99Ms, mostMs }: LoadCounts): void {
  const times = `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)}, most ${mostMs.toFixed(0)}`;
  say(what, `${(done / seconds).toFixed(0)}/s, ${times}`);
}

async function load(group: Group, what: string, order: Partial<LoadOrder>): Promise<void> {
  const { counts, after } = await group.load({
    ...{ work: "put", seconds: SECONDS, lanes: 64, prefix: what.replaceAll(" ", "-") },
    ...order,
    filled: objects,
  });
  sayLoad(what, counts);
  const stalls = after.map(
    (one) => `${one.stallMs.toFixed(0)} ms${one.isLeader ? " (leader)" : ""}`,
  );
  say("  longest stall of an event loop", stalls.join(", "));
}

async function hasCaughtUp(group: Group, node: number): Promise<void> {
  for (;;) {
    const [mine, all] = await Promise.all([group.countsOf(node), group.counts()]);
    if (mine.entries > 0 && mine.entries >= Math.max(...all.map(({ entries }) => entries)) - 500)
      return;
    await sleep(100);
  }
}

const sayMemory = async (group: Group, what: string) =>
  say(
    what,
    (await group.counts())
      .map((one) => `${mib(one.rssBytes)} and ${mib(one.mappedBytes)} of files`)
      .join(", "),
  );

async function fill(directory: string): Promise<void> {
  const child = childOf("fill.ts", { directory, objects, voters });
  const counts = await said<FillCounts>(child);
  await ended(child);
  const { seconds, cpuMicros, peakRssBytes, stallMs } = counts;
  say(
    `filled with ${objects} objects`,
    `${seconds.toFixed(0)} s, ${cpuMicros.toFixed(1)} µs CPU each`,
  );
  say("  memory at most", mib(peakRssBytes));
  say("  longest stall of the event loop", `${stallMs.toFixed(0)} ms`);
  const { checkpointP50Ms, checkpointMostMs } = counts;
  say(
    "  checkpoint",
    `median ${checkpointP50Ms.toFixed(0)} ms, most ${checkpointMostMs.toFixed(0)}`,
  );
}

console.log(JSON.stringify(runConditions()));
await using group = await Group.prepare({ members: voters.length });

const from = kept ?? group.directoryOf(1);
if (!existsSync(from)) await fill(from);
const bytes = diskBytes(from);
say("disk", `${mib(bytes)}, ${(bytes / objects).toFixed(0)} bytes an object`);
for (const node of [1, 2])
  if (group.directoryOf(node) !== from)
    await cp(from, group.directoryOf(node), { recursive: true });

await timed("start of two members, until they listen", () =>
  Promise.all([1, 2].map((node) => group.startMember(node))),
);
await group.leader();
await sayMemory(group, "  memory");
await load(group, "look-ups of any name", { work: "filled" });
await load(group, "pages of 1,000 names", { work: "list", lanes: 2 });
await load(group, "puts", { rate });
await sayMemory(group, "  memory");

await timed("start of a third, until it listens", () => group.startMember(3));
const third = timed("snapshot to the third, until it has caught up", () => hasCaughtUp(group, 3));
for (let caughtUp = false, i = 1; !caughtUp; i++) {
  await load(group, `puts beside the snapshot ${i}`, { rate });
  say("  received so far", mib(diskBytes(group.directoryOf(3))));
  caughtUp = await Promise.race([third.then(() => true), sleep(1, false)]);
}
await sayMemory(group, "  memory");
say("  disk of the third", mib(diskBytes(group.directoryOf(3))));

await load(group, "puts as fast as they go", { lanes: 256, seconds: 2 * SECONDS });
await sayMemory(group, "  memory");
const leader = await group.leader();
await group.endMember(leader, "SIGKILL");
await timed("start after kill -9, until it listens", () => group.startMember(leader));
await timed("  until it has caught up", () => hasCaughtUp(group, leader));
const next = await group.leader();
await timed("clean end", () => group.endMember(next, "end"));
await timed("start after a clean end, until it listens", () => group.startMember(next));
await timed("  until it has caught up", () => hasCaughtUp(group, next));
