/**
 * Collects blobs that nothing holds: their needles are removed from every member of their blocks,
 * then their rows go. What one member does not confirm stays queued.
 */
import type { BlobId, BlockId, NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Chunk } from "../../rpc/objects.ts";
import { unpackChunks } from "../chunk-codec.ts";
import { KeyReader, keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import { QueueCursor } from "./queue.ts";
import type { WorkContext, Worker } from "./worker.ts";

const BLOBS = 200;

interface Task {
  readonly queued: number;
  readonly blob: BlobId;
  /** Chunks from here on go in this step. */
  readonly keep: number;
  readonly chunks: readonly Chunk[];
}

export function collect(context: WorkContext): Worker {
  const queue = new QueueCursor(context.group.state, "collectQueue");
  return {
    name: "collection of deleted blobs",
    async step() {
      const entries = await queue.next(BLOBS);
      const tasks: Task[] = [];
      let needles = 0;
      for (const { key } of entries) {
        const reader = new KeyReader(key);
        const task = nextTask(context, reader.u56(), reader.u56() as BlobId);
        // A page of needles at most, so that the blocks touched stay within a command's keys.
        if (needles > 0 && needles + task.chunks.length > limits.chunksPerPage * 4) break;
        needles += task.chunks.length;
        tasks.push(task);
      }
      if (tasks.length === 0) return false;
      const failed = await removeNeedles(context, tasks);
      const items = tasks.filter(({ chunks }) => !chunks.some(({ block }) => failed.has(block)));
      await context.group.propose({
        type: "collected",
        items: items.map(({ queued, blob, keep }) => ({ queued, blob, keep })),
      });
      for (const { key } of entries) {
        if (context.group.state.get(key) !== undefined) break;
        queue.passed(key);
      }
      return items.length > 0;
    },
  };
}

/** All chunks of a small blob, or the last page of a large one. */
function nextTask({ group }: WorkContext, queued: number, blob: BlobId): Task {
  const head = read(group.state, keys.blob(blob));
  if (head === undefined || head.inline !== undefined)
    return { queued, blob, keep: 0, chunks: unpackChunks(head?.inline ?? new Uint8Array()) };
  const page = Math.max(0, Math.ceil(head.chunks / limits.chunksPerPage) - 1);
  const row = read(group.state, keys.page(blob, page));
  const chunks = unpackChunks(row?.chunks ?? new Uint8Array());
  return { queued, blob, keep: page * limits.chunksPerPage, chunks };
}

/** Removes the needles from all members; gives the blocks where one of them did not confirm. */
async function removeNeedles(context: WorkContext, tasks: readonly Task[]): Promise<Set<BlockId>> {
  const byBlock = new Map<BlockId, NeedleId[]>();
  for (const { block, needle } of tasks.flatMap(({ chunks }) => chunks)) {
    const needles = byBlock.get(block) ?? [];
    needles.push(needle);
    byBlock.set(block, needles);
  }
  const failed = new Set<BlockId>();
  await Promise.all(
    [...byBlock].map(async ([block, needles]) => {
      try {
        await removeFromMembers(context, block, needles);
      } catch (error) {
        failed.add(block);
        context.report(`needles of block ${block} are not removed yet: ${error}`);
      }
    }),
  );
  return failed;
}

export async function removeFromMembers(
  { group, blocks }: WorkContext,
  block: BlockId,
  needles: readonly NeedleId[],
): Promise<void> {
  const row = read(group.state, keys.block(block));
  const { generation } = row ?? { generation: 0 };
  for (const device of row?.members ?? [])
    for (let i = 0; i < needles.length; i += limits.removeBatch)
      await blocks.remove({ device, block, generation }, needles.slice(i, i + limits.removeBatch));
}
