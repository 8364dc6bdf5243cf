/**
 * Walks through the records of a block file from an offset on, checking everything. Where a header
 * cannot be read it searches on, at every multiple of 8, for the next one.
 */
import { payloadPool } from "../base/buffer-pool.ts";
import type { DiskFile } from "../base/disk.ts";
import type { BlockId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { needleChecksums } from "../rpc/needle-checksums.ts";
import {
  decodeFooter,
  decodeHeader,
  footerBytes,
  HEADER_BYTES,
  type RecordFooter,
  type RecordHeader,
  recordBytes,
} from "./record.ts";
import type { Damage } from "./report.ts";

/** A record, or (without a header) a run of bytes in which there is none. */
export interface Step {
  readonly offset: number;
  readonly endOffset: number;
  readonly header?: RecordHeader;
  readonly footer?: RecordFooter;
  /** What of it fails its checksum. */
  readonly bad: readonly Damage[];
  /** A run that is all zeros up to the end of the file. */
  readonly blank?: true;
}

export interface WalkOptions {
  readonly file: DiskFile;
  readonly block: BlockId;
  /** `seedOfBlock` of the superblock. */
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** Called after each read from the disk, to keep a pace. */
  readonly afterRead?: (bytes: number) => Promise<void>;
}

const WINDOW_BYTES = 1024 * 1024;
const zeros = Buffer.alloc(64 * 1024);

/** Part of a file in memory that moves on as it is read. */
class FileWindow implements Disposable {
  readonly #options: WalkOptions;
  #room: Buffer;
  #offset = 0;
  #length = 0;

  constructor(options: WalkOptions) {
    this.#options = options;
    this.#room = payloadPool.take(Math.min(WINDOW_BYTES, Math.max(0, options.to - options.from)));
  }

  [Symbol.dispose](): void {
    payloadPool.give(this.#room);
  }

  /** Bytes from `offset` on, fewer at the end; valid until the next call. */
  async bytes(offset: number, lengthBytes: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(lengthBytes, this.#options.to - offset));
    if (offset < this.#offset || offset + wanted > this.#offset + this.#length)
      await this.#load(offset, wanted);
    const at = offset - this.#offset;
    return this.#room.subarray(at, Math.min(at + wanted, this.#length));
  }

  async #load(offset: number, wanted: number): Promise<void> {
    if (wanted > this.#room.length) {
      payloadPool.give(this.#room);
      this.#room = payloadPool.take(wanted);
    }
    const room = Math.min(this.#room.length, this.#options.to - offset);
    this.#offset = offset;
    this.#length = await this.#options.file.read(this.#room.subarray(0, room), offset);
    await this.#options.afterRead?.(this.#length);
  }
}

/** A step's `footer` and `bad` stay; nothing of the file's bytes is in them. */
export async function* walk(options: WalkOptions): AsyncGenerator<Step> {
  using window = new FileWindow(options);
  let offset = options.from;
  while (offset < options.to) {
    const head = await window.bytes(offset, HEADER_BYTES);
    const header = decodeHeader(options.seed, offset, head);
    const step =
      header === undefined
        ? await gapFrom(window, options, offset)
        : await recordAt(window, options, offset, header);
    yield step;
    offset = step.endOffset;
  }
}

async function recordAt(
  window: FileWindow,
  { block, to }: WalkOptions,
  offset: number,
  header: RecordHeader,
): Promise<Step> {
  const lengthBytes = Math.min(recordBytes(header.lengthBytes), to - offset);
  const bytes = await window.bytes(offset, lengthBytes);
  const step = { offset, endOffset: offset + lengthBytes, header };
  const footAt = HEADER_BYTES + header.lengthBytes;
  const footLength = footerBytes(header.lengthBytes);
  const footer =
    bytes.length < footAt + footLength
      ? undefined
      : decodeFooter(bytes, bytes.subarray(footAt, footAt + footLength), header.lengthBytes);
  if (footer === undefined) {
    const from = Math.min(footAt, lengthBytes - 8);
    return { ...step, bad: [{ offset: offset + from, lengthBytes: lengthBytes - from }] };
  }
  const data = bytes.subarray(HEADER_BYTES, footAt);
  return { ...step, footer, bad: badSpans(block, header, data, offset + HEADER_BYTES, footer) };
}

function badSpans(
  block: BlockId,
  header: RecordHeader,
  data: Buffer,
  dataOffset: number,
  footer: RecordFooter,
): Damage[] {
  if (header.kind !== "needle") return [];
  const span = limits.checksumSpanBytes;
  const bad: Damage[] = [];
  needleChecksums(block, header.needle, data).forEach((sum, i) => {
    if (sum === footer.checksums[i]) return;
    const lengthBytes = Math.min(span, data.length - i * span);
    bad.push({ offset: dataOffset + i * span, lengthBytes });
  });
  return bad;
}

/** The run up to the next header, or up to the end. */
async function gapFrom(window: FileWindow, options: WalkOptions, from: number): Promise<Step> {
  const { seed, to } = options;
  let blank = true;
  let at = from;
  while (at < to) {
    const bytes = await window.bytes(at, zeros.length);
    if (bytes.length === 0) break;
    if (bytes.equals(zeros.subarray(0, bytes.length))) {
      at += bytes.length;
      continue;
    }
    blank = false;
    // A header that begins in this piece ends in it, or is looked at with the next one.
    const last = at + bytes.length >= to ? bytes.length : bytes.length - HEADER_BYTES + 8;
    for (let i = at === from ? 8 : 0; i < last; i += 8)
      if (decodeHeader(seed, at + i, bytes, i) !== undefined) return gap(from, at + i);
    at += Math.max(8, last);
  }
  return blank ? { ...gap(from, to), blank: true } : gap(from, to);
}

function gap(offset: number, endOffset: number): Step {
  return { offset, endOffset, bad: [{ offset, lengthBytes: endOffset - offset }] };
}
