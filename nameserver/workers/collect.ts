/**
 * Collects blobs that nothing holds: their needles are removed from every member of their blocks,
 * then their rows go. What one member does not confirm stays queued.
 */
import type { BlobId, BlockId, DeviceId, NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { filled } from "../../rpc/name-service.ts";
import type { Chunk } from "../../rpc/objects.ts";
import { unpackChunks } from "../chunk-codec.ts";
import { type Key, KeyReader, keys } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import type { Stored } from "../state-store.ts";
import { areMembersUp } from "./members-up.ts";
import { QueueCursor } from "./queue.ts";
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
  /** The first entry that stayed, and when. */
  let left: { readonly key: Key; readonly sinceMs: number } | undefined;
  return {
    name: "collection of deleted blobs",
    async step() {
      if (left !== undefined && clock.monotonicMs() - left.sinceMs >= retryMs) {
        queue.rewind(left.key);
        left = undefined;
      }
      const batch = nextBatch(context, await queue.next(BLOBS));
      if (batch.length === 0) return false;
      const failed = await removeNeedles(
        context,
        batch.flatMap(({ chunks }) => chunks),
      );
      const gone = batch.filter(({ chunks }) => !chunks.some(({ block }) => failed.has(block)));
      const items = gone.map(({ queued, blob, keep }) => ({ queued, blob, keep }));
      if (items.length > 0) await group.propose({ type: "collected", items });
      for (const { key, keep, chunks } of batch) {
        const stays = chunks.some(({ block }) => failed.has(block));
        if (stays) left ??= { key, sinceMs: clock.monotonicMs() };
        else if (keep > 0) return true; // the next page of the same blob
        queue.passed(key);
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

/** Removes the needles from all members; gives the blocks where one of them did not confirm. */
async function removeNeedles(
  context: WorkContext,
  chunks: readonly Chunk[],
): Promise<Set<BlockId>> {
  const byBlock = new Map<BlockId, NeedleId[]>();
  for (const { block, needle } of chunks) {
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
        const row = read(context.group.state, keys.block(block)) ?? { members: [] };
        // Of a device that is down the log tells already (device-news.ts).
        if (await areMembersUp(context, row))
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
  const removeFrom = async (device: DeviceId) => {
    for (let i = 0; i < needles.length; i += limits.removeBatch)
      await blocks.remove({ device, block, generation }, needles.slice(i, i + limits.removeBatch));
  };
  // One that is away keeps none of the others from it; all of them confirm, or it is done again.
  const told = await Promise.allSettled(filled(row?.members ?? []).map(removeFrom));
  for (const one of told) if (one.status === "rejected") throw one.reason;
}
