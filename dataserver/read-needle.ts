/**
 * Reads spans of one needle with their checksums, in one read where possible. That the record is
 * the needle's is checked here; the data itself is checked by the reader, end to end.
 */
import { payloadPool } from "../base/buffer-pool.ts";
import type { ReadableBytes } from "../base/disk.ts";
import type { NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { Place } from "./needle-index.ts";
import {
  decodeFooter,
  decodeHeader,
  footerBytes,
  HEADER_BYTES,
  type RecordHeader,
  recordBytes,
} from "./record.ts";
import { keepFrame, keptFrame, type RecordFrame } from "./record-frames.ts";

const SPAN = limits.checksumSpanBytes;
/** A record up to this size is read whole, whatever is asked of it. */
const WHOLE_BYTES = 2 * SPAN;

/** Range of a needle's data in whole spans. */
export interface SpanRange {
  readonly from: number;
  readonly to: number;
}

/** The spans that a range touches, cut to the needle. */
export function spansOf(needleBytes: number, offset: number, lengthBytes: number): SpanRange {
  const start = Math.min(Math.max(0, offset), needleBytes);
  const end = Math.min(start + Math.max(0, lengthBytes), needleBytes);
  const from = Math.floor(start / SPAN) * SPAN;
  return { from, to: end === start ? from : Math.min(Math.ceil(end / SPAN) * SPAN, needleBytes) };
}

export interface NeedleSpans {
  readonly header: RecordHeader;
  readonly checksums: Uint32Array;
  readonly data: Buffer;
}

/** The spans, or undefined when the record's header or footer is damaged. */
export async function readSpans(
  file: ReadableBytes,
  seed: number,
  needle: NeedleId,
  place: Place,
  spans: SpanRange,
): Promise<NeedleSpans | undefined> {
  const { offset, lengthBytes } = place;
  const whole = recordBytes(lengthBytes) <= WHOLE_BYTES;
  const range = whole ? { from: 0, to: lengthBytes } : spans;
  const isAll = range.from === 0 && range.to === lengthBytes;
  const kept = isAll ? undefined : keptFrame(file, offset);
  const read =
    kept === undefined
      ? await readFramed(file, seed, place, range)
      : await readData(file, place, range, kept);
  if (read === undefined) return undefined;
  const { header, footer } = read;
  if (header.needle !== needle || header.lengthBytes !== lengthBytes) return undefined;
  if (kept === undefined && !isAll) keepFrame(file, offset, { header, footer });
  return {
    header,
    checksums: footer.checksums.subarray(
      spans.from / SPAN,
      spans.from / SPAN + Math.ceil((spans.to - spans.from) / SPAN),
    ),
    data: read.data.subarray(spans.from - range.from, spans.to - range.from),
  };
}

interface FramedData extends RecordFrame {
  readonly data: Buffer;
}

async function readData(
  file: ReadableBytes,
  { offset }: Place,
  { from, to }: SpanRange,
  frame: RecordFrame,
): Promise<FramedData | undefined> {
  const data = await readExactly(file, offset + HEADER_BYTES + from, to - from);
  return data && { ...frame, data };
}

async function readFramed(
  file: ReadableBytes,
  seed: number,
  place: Place,
  range: SpanRange,
): Promise<FramedData | undefined> {
  const parts = await readParts(file, place, range);
  if (parts === undefined) return undefined;
  const header = decodeHeader(seed, place.offset, parts.head);
  if (header?.kind !== "needle") return undefined;
  const footer = decodeFooter(parts.head, parts.foot, place.lengthBytes);
  return footer && { header, footer, data: parts.data };
}

/** Header, data range and footer; the data together with whichever it touches. */
async function readParts(
  file: ReadableBytes,
  { offset, lengthBytes }: Place,
  { from, to }: SpanRange,
): Promise<{ head: Buffer; data: Buffer; foot: Buffer } | undefined> {
  const dataAt = offset + HEADER_BYTES;
  const footLength = footerBytes(lengthBytes);
  const withHead = from === 0;
  const withFoot = to === lengthBytes;
  const start = withHead ? offset : dataAt + from;
  const end = dataAt + to + (withFoot ? footLength : 0);
  const reading = readExactly(file, start, end - start);
  // Small needles are whole records: there is nothing to wait for beside them.
  const [main, head, foot] =
    withHead && withFoot
      ? [await reading]
      : await Promise.all([
          reading,
          withHead ? undefined : readExactly(file, offset, HEADER_BYTES),
          withFoot ? undefined : readExactly(file, dataAt + lengthBytes, footLength),
        ]);
  if (main === undefined) return undefined;
  const dataStart = dataAt + from - start;
  const dataEnd = dataStart + to - from;
  const heading = withHead ? main.subarray(0, HEADER_BYTES) : head;
  const footing = withFoot ? main.subarray(dataEnd) : foot;
  if (heading === undefined || footing === undefined) return undefined;
  return { head: heading, data: main.subarray(dataStart, dataEnd), foot: footing };
}

async function readExactly(
  file: ReadableBytes,
  offset: number,
  lengthBytes: number,
): Promise<Buffer | undefined> {
  const bytes = payloadPool.take(lengthBytes);
  const got = await file.read(bytes, offset);
  return got === lengthBytes ? bytes : undefined;
}
