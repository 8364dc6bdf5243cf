/** Chunks of blobs: where their rows put them, and what their blocks count of them. */

import { QuarryError } from "../../base/errors.ts";
import type { BlobId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Chunk } from "../../rpc/objects.ts";
import { blockRules } from "../block-rules.ts";
import { PACKED_CHUNK_BYTES, packChunks, unpackChunks } from "../chunk-codec.ts";
import { keys } from "../keyspace.ts";
import type { BlobRow } from "../rows.ts";
import type { Rows } from "../transaction.ts";

const PAGE_CHUNKS = limits.chunksPerPage;

export const sumOf = (chunks: readonly { readonly lengthBytes: number }[]) =>
  chunks.reduce((sum, chunk) => sum + chunk.lengthBytes, 0);

/**
 * First references into blocks.
 * @throws QuarryError `BlockSettled` for a block that takes none (INV-4).
 */
export function referenceBlocks(rows: Rows, chunks: readonly Chunk[]): void {
  if (chunks.length > limits.commandChunks)
    throw new QuarryError("TooLarge", `a command brings at most ${limits.commandChunks} chunks`);
  for (const { block, lengthBytes } of chunks) {
    const state = rows.get(keys.block(block))?.state;
    if (!blockRules.takesReferences(state))
      throw new QuarryError(
        "BlockSettled",
        `block ${block} takes no new references; write the chunk to another block`,
      );
    const use = rows.get(keys.blockUse(block)) ?? { needles: 0, bytes: 0 };
    rows.put(keys.blockUse(block), { needles: use.needles + 1, bytes: use.bytes + lengthBytes });
  }
}

/** The chunks are gone from their blocks. */
export function releaseBlocks(rows: Rows, chunks: readonly Chunk[]): void {
  for (const { block, lengthBytes } of chunks) {
    const use = rows.get(keys.blockUse(block));
    if (use === undefined) continue;
    rows.put(keys.blockUse(block), { needles: use.needles - 1, bytes: use.bytes - lengthBytes });
  }
}

/** The head with more chunks behind; all chunks move to pages once there are too many. */
export function appendChunks(
  rows: Rows,
  blob: BlobId,
  head: BlobRow,
  chunks: readonly Chunk[],
): BlobRow {
  const packed = packChunks(chunks);
  const { refs, pendingUntilMs } = head;
  const grown = {
    refs,
    length: head.length + sumOf(chunks),
    chunks: head.chunks + chunks.length,
    ...(pendingUntilMs !== undefined && { pendingUntilMs }),
  };
  const inline = head.inline === undefined ? packed : Buffer.concat([head.inline, packed]);
  if (grown.chunks <= limits.inlineChunks) return { ...grown, inline };
  const paged = head.chunks > limits.inlineChunks;
  if (paged) writePages(rows, blob, head.chunks, head.length, packed);
  else writePages(rows, blob, 0, 0, inline);
  return grown;
}

/** Writes packed chunks into pages, the first being chunk `first` at offset `start` of the blob. */
function writePages(rows: Rows, blob: BlobId, first: number, start: number, packed: Buffer): void {
  let at = first;
  let offset = start;
  let rest = packed;
  while (rest.length > 0) {
    const used = at % PAGE_CHUNKS;
    const key = keys.page(blob, Math.floor(at / PAGE_CHUNKS));
    const old = used === 0 ? undefined : rows.get(key);
    const piece = rest.subarray(0, (PAGE_CHUNKS - used) * PACKED_CHUNK_BYTES);
    rows.put(
      key,
      old === undefined
        ? { start: offset, chunks: piece }
        : { start: old.start, chunks: Buffer.concat([old.chunks, piece]) },
    );
    at += piece.length / PACKED_CHUNK_BYTES;
    offset += sumOf(unpackChunks(piece));
    rest = rest.subarray(piece.length);
  }
}

/** Takes away the chunks from `keep` (0, or a multiple of a page) on, and gives them. */
export function cutChunks(rows: Rows, blob: BlobId, head: BlobRow, keep: number): Chunk[] {
  if (head.inline !== undefined) return unpackChunks(head.inline);
  const cut: Chunk[] = [];
  const pages = Math.ceil(head.chunks / PAGE_CHUNKS);
  for (let page = Math.ceil(keep / PAGE_CHUNKS); page < pages; page++) {
    const key = keys.page(blob, page);
    const row = rows.get(key);
    if (row !== undefined) cut.push(...unpackChunks(row.chunks));
    rows.delete(key);
  }
  return cut;
}
