/**
 * Collects blobs that nothing holds: their needles are removed from every member of their blocks,
 * then their rows go. What one member does not confirm stays queued, on the disk: all that is remembered
 * is where the first such entry stands.
 */
import { QuarryError } from "../../base/errors.ts";
import type { BlobId, BlockId, DeviceId, NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { filled } from "../../rpc/name-service.ts";
import type { Chunk } from "../../rpc/objects.ts";
import { unpackChunks } from "../chunk-codec.ts";
import { type Key, KeyReader, keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import type { Stored } from "../state-store.ts";
import { areMembersUp, devicesAway } from "./members-up.ts";
import { QueueCursor } from "./queue.ts";
import { RetryWalk } from "./retry-walk.ts";
import type { WorkContext, Worker } from "./worker.ts";

const BLOBS = 200;

interface Task {
  readonly key: Key;
  readonly queued: number;
  readonly blob: BlobId;
  /** Chunks from here on go in this step. */
  readonly keep: number;
  readonly chunks: readonly Chunk[];
}

/** `retryMs`: how long to leave entries alone that a member did not confirm. */
export function collect(context: WorkContext, retryMs: number): Worker {
  const { group, clock } = context;
  const queue = new QueueCursor(group.state, "collectQueue");
  const walk = new RetryWalk(retryMs, limits.collectRetryMs);
  return {
    name: "collection of deleted blobs",
    async step() {
      const away = await devicesAway(context);
      const first = walk.due(clock.monotonicMs(), away);
      if (first !== undefined) queue.rewind(first);
      const batch = nextBatch(context, await queue.next(BLOBS));
      const last = batch.at(-1);
      if (last === undefined) {
        walk.ended(clock.monotonicMs());
        return false;
      }
      const chunks = batch.flatMap((task) => task.chunks);
      // Of those that were told already the ones that are up have done it.
      const notTold = walk.isKnown(last.key) ? away : new Set<DeviceId>();
      const failed = await removeNeedles(context, chunks, notTold);
      const stays = (task: Task) => task.chunks.some(({ block }) => failed.has(block));
      const gone = batch.filter((task) => !stays(task));
      const items = gone.map(({ queued, blob, keep }) => ({ queued, blob, keep }));
      if (items.length > 0) await group.propose({ type: "collected", items });
      for (const task of batch) {
        if (!stays(task) && task.keep > 0) return true; // the next page of the same blob
        queue.passed(task.key);
        walk.passed(task.key, stays(task));
      }
      return true;
    },
  };
}

/** As many entries as fit one command. */
function nextBatch(context: WorkContext, entries: readonly Stored[]): Task[] {
  const batch: Task[] = [];
  let needles = 0;
  for (const { key } of entries) {
    const reader = new KeyReader(key);
    const task = nextTask(context, key, reader.u56(), reader.u56() as BlobId);
    if (needles > 0 && needles + task.chunks.length > limits.chunksPerPage * 4) break;
    needles += task.chunks.length;
    batch.push(task);
  }
  return batch;
}

/** All chunks of a small blob, or the last page of a large one. */
function nextTask({ group }: WorkContext, key: Key, queued: number, blob: BlobId): Task {
  const head = read(group.state, keys.blob(blob));
  if (head === undefined || head.inline !== undefined)
    return { key, queued, blob, keep: 0, chunks: unpackChunks(head?.inline ?? new Uint8Array()) };
  const page = Math.max(0, Math.ceil(head.chunks / limits.chunksPerPage) - 1);
  const row = read(group.state, keys.page(blob, page));
  const chunks = unpackChunks(row?.chunks ?? new Uint8Array());
  return { key, queued, blob, keep: page * limits.chunksPerPage, chunks };
}

/**
 * Removes the needles from all members; gives the blocks where one of them did not confirm. Blocks with
 * one of `notTold` are left alone.
 */
async function removeNeedles(
  context: WorkContext,
  chunks: readonly Chunk[],
  notTold: ReadonlySet<DeviceId>,
): Promise<Set<BlockId>> {
  const byBlock = new Map<BlockId, NeedleId[]>();
  for (const { block, needle } of chunks) {
    const needles = byBlock.get(block) ?? [];
    needles.push(needle);
    byBlock.set(block, needles);
  }
  const failed = new Set<BlockId>();
  const removeFrom = async (block: BlockId, needles: readonly NeedleId[]) => {
    try {
      if (membersOf(context, block).some((member) => notTold.has(member))) failed.add(block);
      else await removeFromMembers(context, block, needles);
    } catch (error) {
      failed.add(block);
      // Of a device that is down the log tells already (device-news.ts).
      if (await areMembersUp(context, { members: membersOf(context, block) }))
        context.report(`needles of block ${block} are not removed yet: ${error}`);
    }
  };
  await Promise.all([...byBlock].map(([block, needles]) => removeFrom(block, needles)));
  return failed;
}

const membersOf = ({ group }: WorkContext, block: BlockId): DeviceId[] =>
  filled(read(group.state, keys.block(block))?.members ?? []);

/**
 * Resolves when every member has confirmed. One that took the place of another meanwhile confirms,
 * too: it may have been made before the needles went.
 */
async function removeFromMembers(
  context: WorkContext,
  block: BlockId,
  needles: readonly NeedleId[],
): Promise<void> {
  const { group, blocks } = context;
  const { generation } = read(group.state, keys.block(block)) ?? { generation: 0 };
  const removeFrom = async (device: DeviceId) => {
    for (let i = 0; i < needles.length; i += limits.removeBatch)
      await blocks.remove({ device, block, generation }, needles.slice(i, i + limits.removeBatch));
  };
  const told = new Set<DeviceId>();
  for (let round = 0; round <= limits.retries; round++) {
    const fresh = membersOf(context, block).filter((member) => !told.has(member));
    if (fresh.length === 0) {
      // What went on as another generation meanwhile may not know of it yet.
      const now = read(group.state, keys.block(block))?.generation ?? 0;
      if (now === generation) return;
      break;
    }
    // One that is away keeps none of the others from it; all of them confirm, or it is done again.
    const ends = await Promise.allSettled(fresh.map(removeFrom));
    for (const one of ends) if (one.status === "rejected") throw one.reason;
    for (const device of fresh) told.add(device);
  }
  throw new QuarryError("Busy", `the members of block ${block} change all the time`);
}
