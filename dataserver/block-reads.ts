/** Answers from a block: the bytes of a needle, and the list of its needles. */
import { payloadPool } from "../base/buffer-pool.ts";
import { kindOfNeedle, type NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { NeedleEntry, ReadReply, ReadRequest } from "../rpc/block-service.ts";
import { firstBadSpan } from "../rpc/needle-checksums.ts";
import type { Block } from "./block.ts";
import type { Place } from "./needle-index.ts";
import { type NeedleSpans, readSpans, type SpanRange, spansOf } from "./read-needle.ts";
import {
  decodeHeader,
  footerBytes,
  HEADER_BYTES,
  type RecordHeader,
  recordBytes,
} from "./record.ts";
import { listStriped, readElsewhere } from "./striped/reads.ts";

/** Bytes read at once for the headers of neighbouring needles. */
const LISTING_WINDOW_BYTES = 256 * 1024;

/** Answers a read, or `unreadable` when the record is not what the index says. */
export async function readFromBlock(
  block: Block,
  request: ReadRequest,
): Promise<ReadReply | "unreadable"> {
  const { needle } = request;
  const place = block.here(needle);
  if (place === undefined)
    return block.stripe === undefined
      ? absent(block, needle)
      : await readElsewhere(block, block.stripe, request);
  const spans = spansOf(place.lengthBytes, request.offset, request.lengthBytes);
  const isDoubtful = touchesDamage(block, place, spans);
  const damaged = `bytes of the needle in ${block.path} are damaged`;
  if (isDoubtful && block.stripe === undefined) return { kind: "damaged", detail: damaged };
  const found = await block.home.files.use(block.path, (file) =>
    readSpans(file, block.seed, needle, place, spans),
  );
  if (found === undefined) return isDoubtful ? { kind: "damaged", detail: damaged } : "unreadable";
  // Of a range whole spans are damaged: the needle itself may be right.
  if (isDoubtful && !isRight(block, needle, place.lengthBytes, found))
    return { kind: "damaged", detail: damaged };
  const { only } = request;
  if (only !== undefined && kindOfNeedle(found.header) !== only)
    return { kind: "missing", what: "needle" };
  const { piece, k, m } = block.superblock;
  return {
    kind: "data",
    ...(only !== undefined && { only }),
    needleBytes: place.lengthBytes,
    generation: block.generation,
    ...(k > 1 && block.stripe === undefined && { piece: { piece, scheme: { k, m } } }),
    offset: spans.from,
    checksums: found.checksums,
    data: found.data,
  };
}

function isRight(
  block: Block,
  needle: NeedleId,
  lengthBytes: number,
  { data, checksums }: NeedleSpans,
): boolean {
  return firstBadSpan(block.superblock.block, needle, lengthBytes, data, checksums) < 0;
}

/** Not in the index: not there, unless it may have been where damage is now. */
function absent(block: Block, needle: NeedleId): ReadReply {
  if (block.damage.length === 0 || block.index.knows(needle))
    return { kind: "missing", what: "needle" };
  const detail = `the needle is not found in ${block.path}, of which a part is damaged`;
  return { kind: "damaged", detail };
}

function touchesDamage(block: Block, { offset, lengthBytes }: Place, spans: SpanRange): boolean {
  const dataAt = offset + HEADER_BYTES;
  return (
    block.isDamaged(offset, HEADER_BYTES) ||
    block.isDamaged(dataAt + spans.from, spans.to - spans.from) ||
    block.isDamaged(dataAt + lengthBytes, footerBytes(lengthBytes))
  );
}

/** Live needles in the file's order. The cursor is an offset in the file. */
export async function listNeedles(
  block: Block,
  cursor: number,
  limit: number,
): Promise<{ entries: NeedleEntry[]; next?: number }> {
  if (block.stripe !== undefined) return await listStriped(block, block.stripe, cursor, limit);
  const most = Math.min(limit, limits.needleList);
  const places = block.index
    .inFileOrder(cursor)
    .take(most + 1)
    .toArray();
  const next = places.splice(most)[0]?.offset;
  const entries: NeedleEntry[] = [];
  await block.home.files.use(block.path, async (file) => {
    const room = payloadPool.take(LISTING_WINDOW_BYTES);
    let window = room.subarray(0, 0);
    let windowAt = 0;
    for (const [i, place] of places.entries()) {
      const { offset } = place;
      if (offset + HEADER_BYTES > windowAt + window.length) {
        const got = await file.read(room.subarray(0, headersReach(places, i)), offset);
        window = room.subarray(0, got);
        windowAt = offset;
      }
      const header = decodeHeader(block.seed, offset, window, offset - windowAt);
      if (header?.needle === place.needle)
        entries.push({ ...ownerOf(header), needle: place.needle, lengthBytes: place.lengthBytes });
      else await noteUnreadable(block, place);
    }
    payloadPool.give(room);
  });
  return { entries, ...(next !== undefined && { next }) };
}

/** What to read for a header and for those that follow soon: of long needles, one header. */
function headersReach(places: readonly Place[], first: number): number {
  const endOf = (i: number) => (places[i]?.offset ?? Number.POSITIVE_INFINITY) + HEADER_BYTES;
  const from = endOf(first) - HEADER_BYTES;
  let last = first;
  while (endOf(last + 1) - from <= LISTING_WINDOW_BYTES) last++;
  return endOf(last) - from;
}

const ownerOf = ({ blob, chunk }: RecordHeader) => ({ blob, chunk });

/** A record is not what the index says. */
export async function noteUnreadable(
  block: Block,
  { needle, offset, lengthBytes }: Place & { readonly needle: NeedleId },
): Promise<void> {
  const damage = { offset, lengthBytes: recordBytes(lengthBytes) };
  await block.noteDamage(damage, "a record", needle);
}
