/** From an offset in some content to its slices, and from those to chunks. */
import { QuarryError } from "../../base/errors.ts";
import type { BlobId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { ChunkRun, ContentPin } from "../../rpc/name-service.ts";
import type { Chunk, Slice } from "../../rpc/objects.ts";
import { unpackChunks } from "../chunk-codec.ts";
import type { StateReader } from "../group/group.ts";
import { keys } from "../keyspace.ts";
import type { NameRow, SliceTuple } from "../rows.ts";
import { type Content, findPage, type Placed, type ReadRow, slicesFrom } from "../slices.ts";
import { readerOf } from "./read.ts";

function sliceOf([blob, offset, lengthBytes]: SliceTuple): Slice {
  return { blob, offset, lengthBytes };
}

export function pinOf(bucket: number, row: NameRow): ContentPin {
  const slices = (row.slices ?? []).map(sliceOf);
  return row.content === undefined ? { bucket, slices } : { bucket, slices, paged: row.content };
}

const gone = () => new QuarryError("NoSuchKey", "the content was deleted and is not held any more");

/** Items one behind the other, from the one that covers `offset` on. */
function* placedFrom<T extends { readonly lengthBytes: number }>(
  items: readonly T[],
  first: number,
  offset: number,
): Generator<Placed<T>> {
  let start = first;
  for (const item of items) {
    if (start + item.lengthBytes > offset) yield { start, item };
    start += item.lengthBytes;
  }
}

function contentOf({ slices, paged }: ContentPin): Content {
  if (paged !== undefined) return { content: paged };
  return {
    slices: slices.map(({ blob, offset, lengthBytes }) => [blob, offset, lengthBytes] as const),
  };
}

/** Chunks of a blob from the one that covers `offset` on. */
export function* chunksFrom(read: ReadRow, blob: BlobId, offset: number): Generator<Placed<Chunk>> {
  const head = read(keys.blob(blob));
  if (head === undefined) throw gone();
  if (head.inline !== undefined) return yield* placedFrom(unpackChunks(head.inline), 0, offset);
  const pages = Math.ceil(head.chunks / limits.chunksPerPage);
  const keyOf = (page: number) => keys.page(blob, page);
  const first = findPage(read, keyOf, pages, ({ start }) => start <= offset);
  for (let page = first; page < pages; page++) {
    const row = read(keyOf(page));
    if (row !== undefined) yield* placedFrom(unpackChunks(row.chunks), row.start, offset);
  }
}

/** Chunks that cover the content from `offset` on, as many as one reply holds. */
export function chunkRun(
  state: StateReader,
  pin: ContentPin,
  offset: number,
  read: ReadRow = readerOf(state),
): ChunkRun {
  const chunks: ChunkRun["chunks"][number][] = [];
  let first: number | undefined;
  let end = offset;
  for (const { start, item } of slicesFrom(read, contentOf(pin), offset)) {
    const slice = sliceOf(item);
    const inSlice = slice.offset + Math.max(0, offset - start);
    const sliceEnd = slice.offset + slice.lengthBytes;
    for (const { start: chunkStart, item: chunk } of chunksFrom(read, slice.blob, inSlice)) {
      if (chunkStart >= sliceEnd) break;
      const from = Math.max(0, slice.offset - chunkStart);
      const usedBytes = Math.min(chunk.lengthBytes, sliceEnd - chunkStart) - from;
      const at = start + chunkStart + from - slice.offset;
      // Collection takes a blob page by page: what comes behind the gap does not belong here.
      if (at > end) throw gone();
      chunks.push({ ...chunk, from, usedBytes });
      first ??= at;
      end = at + usedBytes;
      if (chunks.length >= limits.chunkRun) return { offset: first, chunks, end };
    }
  }
  return { offset: first ?? offset, chunks, end };
}
