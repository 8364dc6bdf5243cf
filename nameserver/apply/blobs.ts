/** Commands on blobs: registered as a PUT goes, held by names, collected when nothing holds them. */

import { assert, QuarryError } from "../../base/errors.ts";
import type { BlobId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Command, CommandResult, NewBlob } from "../../rpc/commands.ts";
import { blockRules } from "../block-rules.ts";
import type { SystemCommand } from "../command.ts";
import { keys } from "../keyspace.ts";
import type { BlobRow, SliceTuple } from "../rows.ts";
import { appendChunks, cutChunks, referenceBlocks, releaseBlocks, sumOf } from "./chunks.ts";
import type { ApplyContext } from "./context.ts";

type Of<Type extends (Command | SystemCommand)["type"]> = Extract<
  Command | SystemCommand,
  { type: Type }
>;

const emptyBlob: BlobRow = { refs: 0, length: 0, chunks: 0 };

/** Ids of copies of the metadata are nobody's lease. */
function checkLeased({ rows }: ApplyContext, blob: BlobId, isSystem: boolean): void {
  if (isSystem) return;
  const next = rows.get(keys.blobLease())?.next ?? 1;
  if (!Number.isSafeInteger(blob) || blob < 1 || blob >= next)
    throw new QuarryError("InvalidArgument", `blob ${blob} was never leased`);
}

/** The pending blob with so many chunks; an absent one when that is none. */
function pendingBlob(
  context: ApplyContext,
  blob: BlobId,
  chunks: number,
  isSystem: boolean,
): BlobRow | undefined {
  checkLeased(context, blob, isSystem);
  const head = context.rows.get(keys.blob(blob));
  const pending = head === undefined || head.pendingUntilMs !== undefined;
  if (!pending || (head?.chunks ?? 0) !== chunks)
    throw new QuarryError(
      "InvalidArgument",
      `blob ${blob} is not pending with ${chunks} chunks: it expired or was used; send the object again`,
    );
  return head;
}

export function addChunks(context: ApplyContext, command: Of<"addChunks">): CommandResult {
  checkLeased(context, command.blob, false);
  return registerChunks(context, command);
}

export function registerChunks(
  context: ApplyContext,
  { blob, first, chunks }: Omit<Of<"addChunks">, "type">,
): CommandResult {
  const { rows, timeMs } = context;
  const head = pendingBlob(context, blob, first, true);
  if (chunks.length === 0) return { type: "done" };
  referenceBlocks(rows, chunks);
  const pendingUntilMs = head?.pendingUntilMs ?? timeMs + context.settings.pendingMs;
  if (head === undefined) rows.put(keys.pendingQueue(pendingUntilMs, blob), {});
  const grown = appendChunks(rows, blob, head ?? { ...emptyBlob, pendingUntilMs }, chunks);
  rows.put(keys.blob(blob), grown);
  return { type: "done" };
}

/** Gives new content its first holder. An empty object has no blob. */
export function claimBlob(
  context: ApplyContext,
  content: NewBlob,
  mostBytes: number = limits.putBytes,
): SliceTuple[] {
  if (content.lengthBytes > mostBytes)
    throw new QuarryError("TooLarge", `one PUT takes at most ${mostBytes} bytes`);
  return claim(context, content, false);
}

/** Of a copy of the metadata, which may have any length. */
export function claimSystemBlob(context: ApplyContext, content: NewBlob): void {
  claim(context, content, true);
}

function claim(context: ApplyContext, content: NewBlob, isSystem: boolean): SliceTuple[] {
  const { rows } = context;
  const { blob, lengthBytes, registered, chunks } = content;
  const head = pendingBlob(context, blob, registered, isSystem);
  if ((head?.length ?? 0) + sumOf(chunks) !== lengthBytes)
    throw new QuarryError("InvalidArgument", "the chunks do not add up to the object's length");
  if (lengthBytes === 0) return [];
  referenceBlocks(rows, chunks);
  if (head?.pendingUntilMs !== undefined) rows.delete(keys.pendingQueue(head.pendingUntilMs, blob));
  const { pendingUntilMs: _, ...grown } = appendChunks(rows, blob, head ?? emptyBlob, chunks);
  rows.put(keys.blob(blob), { ...grown, refs: 1 });
  return [[blob, 0, lengthBytes]];
}

export function holdBlob({ rows }: ApplyContext, blob: BlobId): void {
  const head = rows.get(keys.blob(blob));
  assert(head !== undefined && head.refs > 0, "only a held blob gets another holder");
  rows.put(keys.blob(blob), { ...head, refs: blockRules.oneMore(head.refs) });
}

/** One holder less; the last one sends the blob to the collection queue. */
export function releaseBlob(context: ApplyContext, blob: BlobId): void {
  const { rows, index } = context;
  const head = rows.get(keys.blob(blob));
  assert(head !== undefined && head.refs > 0, "a blob is released by those who hold it");
  rows.put(keys.blob(blob), { ...head, refs: head.refs - 1 });
  if (head.refs === 1) rows.put(keys.collectQueue(index, blob), {});
}

/** Sends a pending blob to the collection queue. */
function giveUp({ rows, index }: ApplyContext, blob: BlobId, head: BlobRow): void {
  if (head.pendingUntilMs === undefined) return;
  const { pendingUntilMs, ...rest } = head;
  rows.delete(keys.pendingQueue(pendingUntilMs, blob));
  rows.put(keys.blob(blob), rest);
  rows.put(keys.collectQueue(index, blob), {});
}

export function dropBlob(context: ApplyContext, { blob }: Of<"dropBlob">): CommandResult {
  const head = context.rows.get(keys.blob(blob));
  if (head !== undefined) giveUp(context, blob, head);
  return { type: "done" };
}

export function expirePending(
  context: ApplyContext,
  { items }: Of<"expirePending">,
): CommandResult {
  for (const { untilMs, blob } of items) {
    const head = context.rows.get(keys.blob(blob));
    if (untilMs <= context.timeMs && head?.pendingUntilMs === untilMs) giveUp(context, blob, head);
  }
  return { type: "done" };
}

export function collected({ rows }: ApplyContext, { items }: Of<"collected">): CommandResult {
  for (const { queued, blob, keep } of items) {
    const queueKey = keys.collectQueue(queued, blob);
    const head = rows.get(keys.blob(blob));
    if (rows.get(queueKey) === undefined || head === undefined || keep >= head.chunks) continue;
    assert(head.refs === 0, "a blob in the collection queue has no holder");
    const cut = cutChunks(rows, blob, head, keep);
    releaseBlocks(rows, cut);
    if (keep > 0)
      rows.put(keys.blob(blob), { ...head, chunks: keep, length: head.length - sumOf(cut) });
    else {
      rows.delete(keys.blob(blob));
      rows.delete(queueKey);
    }
  }
  return { type: "done" };
}

export function leaseBlobs(
  { rows }: ApplyContext,
  { count }: Of<"leaseBlobs">,
): { type: "lease"; first: BlobId } {
  if (!Number.isInteger(count) || count < 1 || count > limits.blobLease)
    throw new QuarryError("InvalidArgument", `a lease holds 1 to ${limits.blobLease} blob ids`);
  const next = rows.get(keys.blobLease())?.next ?? 1;
  rows.put(keys.blobLease(), { next: next + count });
  return { type: "lease", first: next as BlobId };
}
