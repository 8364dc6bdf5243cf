/** The second half of an audit: blobs, contents and blocks against those who hold them. */
import type { BlobId, BlockId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Chunk } from "../../rpc/objects.ts";
import { unpackChunks } from "../chunk-codec.ts";
import type { StateReader } from "../group/group.ts";
import { KeyReader, keys, prefixEnd, prefixOf, type Tag } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import { decodeRow } from "../row-codec.ts";
import type * as rows from "../rows.ts";
import { type Audit, rowsFrom } from "./audit-state.ts";

interface Use {
  needles: number;
  bytes: number;
}

/** All rows of a kind that are whole; the others were told of before. */
export async function* wholeRows<Row>(
  state: StateReader,
  tag: Tag,
): AsyncGenerator<readonly [key: string, row: Row]> {
  const from = prefixOf(tag);
  for await (const { key, value } of rowsFrom(state, from, prefixEnd(from))) {
    let row: Row;
    try {
      row = decodeRow<Row>(key, value);
    } catch {
      continue;
    }
    yield [key, row];
  }
}

export async function auditBlobs(audit: Audit): Promise<number> {
  const { state, references, problem } = audit;
  references.checkQueues();
  const use = new Map<BlockId, Use>();
  let count = 0;
  for await (const [key, head] of wholeRows<rows.BlobRow>(state, "blob")) {
    count++;
    auditBlob(audit, new KeyReader(key).u56() as BlobId, head, use);
  }
  for (const blob of references.blobs.left())
    problem(`blob ${blob} is held by a name, and its row is missing`);
  for await (const [key, content] of wholeRows<rows.ContentRow>(state, "content")) {
    const id = new KeyReader(key).u56();
    const held = references.contents.take(id);
    if (content.refs !== held)
      problem(`content ${id} says that ${content.refs} names hold it, and ${held} do`);
  }
  for (const id of references.contents.left())
    problem(`content ${id} is held by a name, and its row is missing`);
  await auditUse(audit, use);
  return count;
}

/** All chunks of a blob as the rows have them. */
export function chunksOf(state: StateReader, blob: BlobId, head: rows.BlobRow): Chunk[] {
  if (head.inline !== undefined) return unpackChunks(head.inline);
  const chunks: Chunk[] = [];
  const pages = Math.ceil(head.chunks / limits.chunksPerPage);
  for (let page = 0; page < pages; page++)
    chunks.push(...unpackChunks(read(state, keys.page(blob, page))?.chunks ?? new Uint8Array()));
  return chunks;
}

function auditBlob(
  { state, references, problem }: Audit,
  blob: BlobId,
  head: rows.BlobRow,
  use: Map<BlockId, Use>,
): void {
  const held = references.blobs.take(blob);
  if (head.refs !== held) problem(`blob ${blob} says that ${head.refs} hold it, and ${held} do`);
  const until = head.pendingUntilMs;
  const isQueued = until !== undefined || references.collected.has(blob);
  if ((head.refs === 0) !== isQueued)
    problem(
      isQueued
        ? `blob ${blob} is held, and waits for its end`
        : `nothing holds blob ${blob}, and it does not wait for its end`,
    );
  if (until !== undefined && read(state, keys.pendingQueue(until, blob)) === undefined)
    problem(`blob ${blob} is pending, and not in the queue of those that expire`);
  const chunks = chunksOf(state, blob, head);
  const bytes = chunks.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  if (chunks.length !== head.chunks || bytes !== head.length)
    problem(
      `blob ${blob} has ${chunks.length} chunks of ${bytes} bytes, and says ${head.chunks} of ${head.length}`,
    );
  for (const { block, lengthBytes } of chunks) {
    const used = use.get(block) ?? { needles: 0, bytes: 0 };
    used.needles++;
    used.bytes += lengthBytes;
    use.set(block, used);
  }
}

async function auditUse({ state, problem }: Audit, use: Map<BlockId, Use>): Promise<void> {
  for await (const [key, row] of wholeRows<rows.BlockUseRow>(state, "blockUse")) {
    const block = new KeyReader(key).u32() as BlockId;
    const { needles, bytes } = use.get(block) ?? { needles: 0, bytes: 0 };
    use.delete(block);
    if (row.needles !== needles || row.bytes !== bytes)
      problem(
        `block ${block} counts ${row.needles} needles of ${row.bytes} bytes, and blobs hold ${needles} of ${bytes}`,
      );
    if (read(state, keys.block(block)) === undefined) problem(`block ${block} has lost its row`);
  }
  for (const block of use.keys()) problem(`block ${block} is held by blobs, and not known`);
}
