/**
 * CPU of applying `putObject` alone: entries as they come out of the log, in runs, into LevelDB.
 * `node bench/apply.ts [commands, default 200000] [entries of a run, default 256]`
 */
import console from "node:console";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeDisk } from "../base/disk-node.ts";
import type { BlobId, BlockId, DeviceId, LogIndex, Term } from "../base/ids.ts";
import { keyUnder, putCommand } from "../cli/bench/micro/put-command.ts";
import { type AnyCommand, encodeCommand } from "../nameserver/command.ts";
import { LevelState } from "../nameserver/state-level.ts";
import { StateMachine } from "../nameserver/state-machine.ts";
import type { Entry } from "../raft/entry.ts";

const total = Number(process.argv[2] ?? 200_000);
const runEntries = Number(process.argv[3] ?? 256);
const block = 1 as BlockId;
const PARTS = 4;

let index = 0;
const entryOf = (command: AnyCommand): Entry => ({
  index: ++index as LogIndex,
  term: 1 as Term,
  timeMs: 1,
  ...{ kind: "command", session: 0, sequence: 0, data: encodeCommand(command) },
});

const directory = await mkdtemp(join(tmpdir(), "quarry-bench-apply-"));
try {
  await using state = await LevelState.open(nodeDisk, directory, false);
  const machine = new StateMachine(state);
  const members = ["bench" as DeviceId];
  const setup: AnyCommand[] = [
    { type: "createBucket", bucket: "bench", owner: "bench" },
    { type: "putUser", user: { id: "bench", displayName: "Bench" } },
    { type: "addBlock", block, generation: 1, pool: 0, members },
  ];
  for (let leased = 0; leased <= total; leased += 4096)
    setup.push({ type: "leaseBlobs", count: 4096 });
  await machine.applyRun(setup.map(entryOf));
  for (let part = 0, done = 0; part < PARTS; part++) {
    const runs: Entry[][] = [];
    for (let left = total / PARTS; left > 0; left -= runEntries)
      runs.push(
        Array.from({ length: Math.min(left, runEntries) }, () => {
          const blob = ++done as BlobId;
          return entryOf(putCommand("bench", keyUnder("full0", blob), blob, block));
        }),
      );
    const before = process.cpuUsage();
    const threadBefore = process.threadCpuUsage();
    for (const run of runs)
      for (const outcome of await machine.applyRun(run))
        if ("refusal" in outcome) throw outcome.refusal;
    const { user, system } = process.cpuUsage(before);
    const thread = process.threadCpuUsage(threadBefore);
    const each = (micros: number) => (micros / (total / PARTS)).toFixed(2);
    console.log(
      `${each(user + system)} µs CPU a command, ${each(thread.user + thread.system)} on the thread of JavaScript`,
    );
  }
  console.log(JSON.stringify(machine.digest));
} finally {
  await rm(directory, { recursive: true });
}
