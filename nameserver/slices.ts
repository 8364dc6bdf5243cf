/**
 * The slices of content, in the row of its name or in pages, and the parts that they tell. Read by
 * commands and by queries, each with its own way to read a row.
 */
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { PartSpan } from "../rpc/name-service.ts";
import { keys, type RowKey } from "./keyspace.ts";
import type { ContentPageRow, NameRow, SliceTuple } from "./rows.ts";

export type ReadRow = <Row>(key: RowKey<Row>) => Row | undefined;
/** Where content is: what a name's row says of it. */
export type Content = Pick<NameRow, "slices" | "content">;

export interface Placed<T> {
  /** Where it begins. */
  readonly start: number;
  readonly item: T;
}

const PAGE = limits.slicesPerPage;

/** The last of `pages` pages of which `isBefore` holds, as it does of all before that one; else 0. */
export function findPage<Row>(
  read: ReadRow,
  keyOf: (page: number) => RowKey<Row>,
  pages: number,
  isBefore: (row: Row, page: number) => boolean,
): number {
  let low = 0;
  let high = pages - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    const row = read(keyOf(middle));
    if (row === undefined || isBefore(row, middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function* placed(slices: readonly SliceTuple[], from: number): Generator<Placed<SliceTuple>> {
  let start = from;
  for (const item of slices) {
    yield { start, item };
    start += item[2];
  }
}

/** The slices from the page on of which `isBefore` holds last. */
function* pagesFrom(
  read: ReadRow,
  content: number,
  isBefore: (row: ContentPageRow, page: number) => boolean,
): Generator<ContentPageRow> {
  const pages = Math.ceil((read(keys.content(content))?.slices ?? 0) / PAGE);
  const keyOf = (page: number) => keys.contentPage(content, page);
  for (let page = findPage(read, keyOf, pages, isBefore); page < pages; page++) {
    const row = read(keyOf(page));
    if (row !== undefined) yield { ...row, parts: row.parts ?? page * PAGE };
  }
}

/** The slices that have bytes, from the one that covers `offset` on. */
export function* slicesFrom(
  read: ReadRow,
  { slices, content }: Content,
  offset: number,
): Generator<Placed<SliceTuple>> {
  const pages =
    content === undefined
      ? [{ start: 0, slices: slices ?? [] }]
      : pagesFrom(read, content, ({ start }) => start <= offset);
  for (const page of pages)
    for (const one of placed(page.slices, page.start))
      if (one.item[2] > 0 && one.start + one.item[2] > offset) yield one;
}

const tooManyToCopy = () =>
  new QuarryError(
    "TooLarge",
    `the range holds more than ${limits.partSlices} runs of bytes; copy it in smaller parts`,
  );

/** The slices of a range, runs that lie one behind the other in their blob joined. */
export function cutSlices(
  read: ReadRow,
  content: Content,
  range: { readonly offset: number; readonly lengthBytes: number },
  tooMany: () => QuarryError = tooManyToCopy,
): SliceTuple[] {
  const end = range.offset + range.lengthBytes;
  const cut: SliceTuple[] = [];
  if (range.lengthBytes === 0) return cut;
  for (const { start, item } of slicesFrom(read, content, range.offset)) {
    if (start >= end) break;
    const [blob, offset, length] = item;
    const skipped = Math.max(0, range.offset - start);
    const from = offset + skipped;
    const lengthBytes = Math.min(length, end - start) - skipped;
    const last = cut.at(-1);
    if (last !== undefined && last[0] === blob && last[1] + last[2] === from)
      cut[cut.length - 1] = [blob, last[1], last[2] + lengthBytes];
    else cut.push([blob, from, lengthBytes]);
    if (cut.length > limits.partSlices) throw tooMany();
  }
  return cut;
}

/** The parts of a multipart object behind part `after`. */
export function* partsFrom(read: ReadRow, row: NameRow, after: number): Generator<PartSpan> {
  if (row.parts === undefined) return;
  const pages: Iterable<ContentPageRow> =
    row.content === undefined
      ? [{ start: 0, parts: 0, slices: row.slices ?? [] }]
      : // The next part begins where part `after` ends.
        pagesFrom(read, row.content, ({ parts }, page) => (parts ?? page * PAGE) < after);
  let part: number | undefined;
  let offset = 0;
  for (const page of pages) {
    part ??= page.parts ?? 0;
    for (const { start, item } of placed(page.slices, page.start)) {
      const [, , length, checksum, goesOn] = item;
      if (goesOn === true) continue;
      const lengthBytes = start + length - offset;
      part++;
      if (part > after)
        yield { part, offset, lengthBytes, ...(typeof checksum === "string" && { checksum }) };
      offset = start + length;
    }
  }
}

/** The bytes of one part; the whole of what is not multipart is its part 1. */
export function spanOfPart(read: ReadRow, row: NameRow, part: number): PartSpan {
  if (row.parts === undefined && part === 1) return { part, offset: 0, lengthBytes: row.length };
  if (part >= 1 && part <= (row.parts ?? 0))
    for (const span of partsFrom(read, row, part - 1)) return span;
  throw new QuarryError("InvalidPart", `the object has no part ${part}`);
}
