/**
 * Fills the state of a member that does not run yet, as its log would have: through `apply`, with a
 * checkpoint after as much log as the server lets pass. A process of its own, for its memory is measured.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { nodeDisk } from "../../base/disk-node.ts";
import type { BlobId, BlockId, DeviceId, LogIndex, NodeId, Term } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { keyUnder, putCommand } from "../../cli/bench/micro/put-command.ts";
import { percentile } from "../../cli/bench/statistics.ts";
import { type AnyCommand, encodeCommand } from "../../nameserver/command.ts";
import { writeVote } from "../../nameserver/group/vote-file.ts";
import { StateFolder } from "../../nameserver/state-folder.ts";
import { LevelState } from "../../nameserver/state-level.ts";
import { RUN_ENTRIES, StateMachine } from "../../nameserver/state-machine.ts";
import { configurationOf } from "../../raft/configuration.ts";
import { type Entry, NOBODY } from "../../raft/entry.ts";
import type { FillCounts, FillOrder } from "./messages.ts";

const { directory, objects, voters } = JSON.parse(process.argv[2] ?? "") as FillOrder;
const block = 1 as BlockId;
/** What a record takes in the log beside its command. */
const RECORD_BYTES = 68;

await nodeDisk.makeDirectory(directory);
await using state = await StateFolder.open(
  nodeDisk,
  `${directory}/state`,
  (folder, mustExist) => LevelState.open(nodeDisk, folder, mustExist),
  false,
);
const machine = new StateMachine(
  state,
  configurationOf({ voters: voters.map((id) => id as NodeId), learners: [] }),
);

let index = 0;
let logBytes = 0;
const entryOf = (command: AnyCommand): Entry => {
  const data = encodeCommand(command);
  logBytes += data.length + RECORD_BYTES;
  return {
    ...{ index: ++index as LogIndex, term: 1 as Term, timeMs: Date.now() },
    ...{ kind: "command", session: 0, sequence: 0, data },
  };
};

const checkpointMs: number[] = [];
async function checkpoint(): Promise<void> {
  const fromMs = performance.now();
  await state.checkpoint();
  checkpointMs.push(performance.now() - fromMs);
}

const delay = monitorEventLoopDelay({ resolution: 2 });
delay.enable();
const cpu = process.cpuUsage();
const fromMs = performance.now();
const setup: AnyCommand[] = [
  { type: "createBucket", bucket: "bench", owner: "bench" },
  { type: "putUser", user: { id: "bench", displayName: "Bench" } },
  { type: "addBlock", block, generation: 1, pool: 0, members: ["bench" as DeviceId] },
];
for (let leased = 0; leased <= objects; leased += limits.blobLease)
  setup.push({ type: "leaseBlobs", count: limits.blobLease });
await machine.applyRun(setup.map(entryOf));
let checkpointing: Promise<void> | undefined;
for (let done = 0; done < objects; ) {
  const count = Math.min(RUN_ENTRIES, objects - done);
  const run = Array.from({ length: count }, () => {
    const blob = ++done as BlobId;
    return entryOf(putCommand("bench", keyUnder("filled", blob), blob, block));
  });
  for (const outcome of await machine.applyRun(run))
    if ("refusal" in outcome) throw outcome.refusal;
  if (logBytes < limits.checkpointBytes || checkpointing !== undefined) continue;
  logBytes = 0;
  checkpointing = checkpoint().finally(() => {
    checkpointing = undefined;
  });
}
await checkpointing;
await checkpoint();
const vote = { term: 1 as Term, vote: NOBODY, mustNotVote: false };
await writeVote(nodeDisk, directory, vote);
const { user, system } = process.cpuUsage(cpu);
checkpointMs.sort((a, b) => a - b);
const counts: FillCounts = {
  seconds: (performance.now() - fromMs) / 1000,
  cpuMicros: (user + system) / objects,
  peakRssBytes: process.resourceUsage().maxRSS * 1024,
  stallMs: delay.max / 1e6,
  checkpointP50Ms: percentile(checkpointMs, 0.5),
  checkpointMostMs: percentile(checkpointMs, 1),
};
process.send?.(counts, () => process.disconnect?.());
