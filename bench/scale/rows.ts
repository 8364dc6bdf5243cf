/** What an object takes on the disk of a nameserver, and a row of a block to read: real rows in LevelDB. */
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeDisk } from "../../base/disk-node.ts";
import type { BlobId, BlockId, DeviceId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { keyUnder, putCommand } from "../../cli/bench/micro/put-command.ts";
import type { AnyCommand } from "../../nameserver/command.ts";
import { LevelState } from "../../nameserver/state-level.ts";
import { StateMachine } from "../../nameserver/state-machine.ts";
import { blockRows } from "../../nameserver/workers/block-rows.ts";
import { commandEntry } from "../../test/metadata/command-entry.ts";

export interface Rows {
  readonly objects: number;
  readonly bytesPerObject: number;
  readonly applyMicros: number;
}

export interface RowCosts {
  /** After the first half of them, and after all. */
  readonly objects: readonly [Rows, Rows];
  /** CPU to read a block's row in a walk over all of them, as several workers of a leader do. */
  readonly walkMicros: number;
}

const RUN = 256;
const BLOCKS = 20_000;
const SETTLE_MS = 500;

/** @param objects How many names are stored. */
export async function rowCosts(objects: number): Promise<RowCosts> {
  const directory = await mkdtemp(join(tmpdir(), "quarry-scale-"));
  try {
    await using state = await LevelState.open(nodeDisk, directory, false);
    const machine = new StateMachine(state);
    const apply = async (commands: readonly AnyCommand[]) => {
      let index: number = machine.applied;
      const outcomes = await machine.applyRun(commands.map((one) => commandEntry(++index, 1, one)));
      for (const one of outcomes) if ("refusal" in one) throw one.refusal;
    };
    await prepare(apply, objects);
    const half = Math.floor(objects / 2);
    const first = await put(apply, 1, half, directory);
    const second = await put(apply, half + 1, objects, directory);
    return { objects: [first, second], walkMicros: await walk(apply, state) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

type Apply = (commands: readonly AnyCommand[]) => Promise<void>;

async function prepare(apply: Apply, objects: number): Promise<void> {
  await apply([
    { type: "createBucket", bucket: "bench", owner: "bench" },
    { type: "putUser", user: { id: "bench", displayName: "Bench" } },
    { type: "addBlock", block: 1 as BlockId, generation: 1, pool: 0, members: ["d" as DeviceId] },
  ]);
  for (let leased = 0; leased <= objects; leased += limits.blobLease)
    await apply([{ type: "leaseBlobs", count: limits.blobLease }]);
}

async function put(apply: Apply, from: number, to: number, directory: string): Promise<Rows> {
  const cpu = process.cpuUsage();
  for (let at = from; at <= to; at += RUN) {
    const commands: AnyCommand[] = [];
    for (let n = at; n < Math.min(at + RUN, to + 1); n++) {
      const blob = n as BlobId;
      commands.push(putCommand("bench", keyUnder("scale", n), blob, 1 as BlockId));
    }
    await apply(commands);
  }
  const { user, system } = process.cpuUsage(cpu);
  // What LevelDB still does by itself.
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const bytes = await bytesOf(directory);
  const applyMicros = (user + system) / Math.max(1, to - from + 1);
  return { objects: to, bytesPerObject: bytes / Math.max(1, to), applyMicros };
}

/** Blocks as the simulation has them, in the state on disk. */
async function walk(apply: Apply, state: LevelState): Promise<number> {
  const members = Array.from(
    { length: 6 },
    (_, n) => `0000000${n}-0000-4000-8000-00000000` as DeviceId,
  );
  for (let n = 0; n < BLOCKS; n += RUN)
    await apply(
      Array.from({ length: RUN }, (_, i) => {
        const block = (n + i + 2) as BlockId;
        return { type: "addBlock", block, generation: 1, pool: 0, members } as const;
      }),
    );
  await state.compact("", "\uffff");
  let rows = 0;
  const cpu = process.threadCpuUsage();
  for await (const { row } of blockRows(state)) rows += row.members.length > 0 ? 1 : 0;
  const { user, system } = process.threadCpuUsage(cpu);
  return (user + system) / rows;
}

async function bytesOf(directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { recursive: true })) {
    const found = await stat(join(directory, entry)).catch(() => undefined);
    if (found?.isFile()) bytes += found.size;
  }
  return bytes;
}
