/**
 * What it costs that changes can be watched: CPU to apply a putObject in memory, without and with the
 * history that watchers ask, alternately in one run; then with watchers of other keys that wait.
 *
 *     node bench/watches.ts [commands of a round, default 20000]
 */
import console from "node:console";
import { systemClock } from "../base/clock.ts";
import type { BlobId, BlockId, LogIndex, NeedleId } from "../base/ids.ts";
import { spreadOf } from "../cli/bench/statistics.ts";
import type { AnyCommand } from "../nameserver/command.ts";
import { RUN_ENTRIES, StateMachine } from "../nameserver/state-machine.ts";
import { MemoryState } from "../nameserver/state-memory.ts";
import { WatchFeed } from "../nameserver/watch/feed.ts";
import { commandEntry } from "../test/metadata/command-entry.ts";

const count = Number(process.argv[2] ?? 20_000);
const WATCHERS = 1000;
const ROUNDS = 7;

const opening: AnyCommand[] = [
  { type: "leaseBlobs", count: 1 << 20 },
  { type: "addBlock", block: 1 as BlockId, generation: 1, pool: 0, members: [] },
  { type: "createBucket", bucket: "b", owner: "bench" },
];

function put(i: number): AnyCommand {
  const chunk = {
    block: 1 as BlockId,
    needle: BigInt(i) as NeedleId,
    lengthBytes: 4096,
    crc32c: i,
  };
  return {
    ...{ type: "putObject", bucket: "b", key: `data/d${i % 1000}/${i}` },
    content: { blob: (i + 1) as BlobId, lengthBytes: 4096, registered: 0, chunks: [chunk] },
    attributes: { etag: "9e107d9d372bb6826bd81d3542a419d6", contentType: "text/plain" },
  };
}

const entries = [...opening, ...Array.from({ length: count }, (_, i) => put(i))].map((command, i) =>
  commandEntry(i + 1, 1000, command),
);

type Way = "without" | "with history" | `with ${typeof WATCHERS} watchers`;

async function round(way: Way): Promise<number> {
  const state = new MemoryState();
  const report = (message: string) => console.error(message);
  const head = 0 as LogIndex;
  const feed = new WatchFeed({ state, clock: systemClock, head, isLed: () => true, report });
  const observer = way === "without" ? [] : [feed];
  const machine = new StateMachine(state, undefined, undefined, ...observer);
  const waiting: Promise<unknown>[] = [];
  const watchers = way === `with ${WATCHERS} watchers` ? WATCHERS : 0;
  for (let i = 0; i < watchers; i++) {
    const topic = { kind: "keys", bucket: "b", prefix: `other/${i}/` } as const;
    waiting.push(feed.changes({ topic, after: head, limit: 1, waitMs: 5_000 }));
  }
  const before = process.cpuUsage();
  for (let i = 0; i < entries.length; i += RUN_ENTRIES)
    await machine.applyRun(entries.slice(i, i + RUN_ENTRIES));
  const { user, system } = process.cpuUsage(before);
  feed[Symbol.dispose]();
  await Promise.allSettled(waiting);
  return (user + system) / entries.length;
}

const ways: Way[] = ["without", "with history", `with ${WATCHERS} watchers`];
const costs = new Map<Way, number[]>(ways.map((way) => [way, []]));
for (const way of ways) await round(way);
for (let i = 0; i < ROUNDS; i++) for (const way of ways) costs.get(way)?.push(await round(way));
const base = spreadOf(costs.get("without") ?? []).median;
for (const [way, all] of costs) {
  const { median, least, most } = spreadOf(all);
  const text = [median, least, most].map((one) => one.toFixed(1));
  console.log(
    `putObject applied ${way}: ${text[0]} µs CPU (${text[1]} … ${text[2]}), ${(median / base).toFixed(2)} of without`,
  );
}
