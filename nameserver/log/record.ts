/**
 * The bytes of the metadata log. A segment is a header and records without gaps, little-endian;
 * behind the last record stand zeros or nothing. Every checksum starts from the log's salt, a random
 * number, so that no client can put something into a payload that passes for a record.
 *
 *   segment header, 64 bytes
 *     0  magic "QLOG"      4  u32 format version, 2
 *     8  u64 index, 16 u64 term, 24 u64 time in ms, 32 u32 check: of the entry before the first
 *    36  u32 salt
 *    40  u8 1: the log begins anew here, what stands in segments before is void
 *    41  reserved, 0                           60  u32 CRC32C of bytes 0 … 59
 *
 *   record, 68 bytes and the payload
 *     0  magic "QREC"      4  u32 payload length
 *     8  u32 check of the entry before (the chain)
 *    12  u8 kind: 1 command, 2 mark, 3 configuration, 4 nothing (a leader's first)
 *    13  reserved, 0
 *    16  u64 index         24  u64 term        32  u64 leader's time, ms
 *    40  u64 session       48  u32 sequence in the session       52  reserved, 0
 *    56  u64 synced bytes: how far this file was synced when the record was written
 *    64  u32 check: CRC32C of salt, bytes 0 … 63 and payload
 *    68  payload: a command in msgpack, a configuration of the group; nothing for the other kinds
 *
 * An entry whose index is there already takes the place of that one and voids all behind it: so a
 * new leader's log replaces what an old one could not commit, without a byte being cut off. A mark
 * states synced bytes only. It is no link of the chain.
 */
import { crc32c } from "../../base/checksum.ts";
import type { LogIndex, Term } from "../../base/ids.ts";
import type { Entry, EntryKind } from "../../raft/entry.ts";
import type { LogBase } from "./chain.ts";

export const LOG_FORMAT = 2;
export const SEGMENT_HEAD_BYTES = 64;
export const RECORD_HEAD_BYTES = 68;
const SEGMENT_MAGIC = 0x474f4c51;
const RECORD_MAGIC = Buffer.from("QREC");
const RECORD_MAGIC_NUMBER = RECORD_MAGIC.readUInt32LE(0);
const CHECK_AT = 64;

export interface SegmentHead {
  readonly format: number;
  readonly base: LogBase;
  readonly salt: number;
  /** What stands in segments before is void. */
  readonly anew: boolean;
}

const kinds: Readonly<Record<EntryKind | "mark", number>> = {
  command: 1,
  mark: 2,
  configuration: 3,
  nothing: 4,
};
const kindOf = new Map(
  Object.entries(kinds).map(([kind, code]) => [code, kind as EntryKind | "mark"]),
);

export type RecordOf = Omit<Entry, "kind"> & { readonly kind: EntryKind | "mark" };

export interface LogRecord {
  /** Undefined for a mark. */
  readonly entry: Entry | undefined;
  readonly previousCheck: number;
  readonly syncedBytes: number;
  readonly check: number;
  /** Offset behind the record. */
  readonly end: number;
}

const writeU64 = (target: Buffer, value: number, at: number) => {
  target.writeUInt32LE(value % 2 ** 32, at);
  target.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
};
const setU64 = (view: DataView, value: number, at: number) => {
  view.setUint32(at, value % 2 ** 32, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
};
const readU64 = (from: Buffer, at: number) =>
  from.readUInt32LE(at) + from.readUInt32LE(at + 4) * 2 ** 32;

function saltSeed(salt: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(salt);
  return crc32c(bytes);
}

export function encodeSegmentHead({ format, base, salt, anew }: SegmentHead): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEAD_BYTES);
  bytes.writeUInt32LE(SEGMENT_MAGIC, 0);
  bytes.writeUInt32LE(format, 4);
  writeU64(bytes, base.index, 8);
  writeU64(bytes, base.term, 16);
  writeU64(bytes, base.timeMs, 24);
  bytes.writeUInt32LE(base.check, 32);
  bytes.writeUInt32LE(salt, 36);
  bytes[40] = anew ? 1 : 0;
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 60)), 60);
  return bytes;
}

/** The header, or undefined when it is damaged. */
export function decodeSegmentHead(bytes: Buffer): SegmentHead | undefined {
  if (bytes.length < SEGMENT_HEAD_BYTES || bytes.readUInt32LE(0) !== SEGMENT_MAGIC)
    return undefined;
  if (bytes.readUInt32LE(60) !== crc32c(bytes.subarray(0, 60))) return undefined;
  return {
    format: bytes.readUInt32LE(4),
    base: {
      index: readU64(bytes, 8) as LogIndex,
      term: readU64(bytes, 16) as Term,
      timeMs: readU64(bytes, 24),
      check: bytes.readUInt32LE(32),
    },
    salt: bytes.readUInt32LE(36),
    anew: bytes[40] === 1,
  };
}

/** Makes and reads the records of one log. */
export class RecordCodec {
  readonly #seed: number;

  constructor(salt: number) {
    this.#seed = saltSeed(salt);
  }

  /** Writes a record to `target` from `at` on, and returns its check. */
  encode(
    target: Buffer,
    at: number,
    record: RecordOf,
    previousCheck: number,
    syncedBytes: number,
  ): number {
    const { data } = record;
    const end = at + RECORD_HEAD_BYTES + data.length;
    // The head stands right before the payload until both are summed in one piece.
    const head = at + RECORD_HEAD_BYTES - CHECK_AT;
    const view = new DataView(target.buffer, target.byteOffset + head, CHECK_AT);
    view.setUint32(0, RECORD_MAGIC_NUMBER, true);
    view.setUint32(4, data.length, true);
    view.setUint32(8, previousCheck, true);
    view.setUint32(12, kinds[record.kind], true);
    setU64(view, record.index, 16);
    setU64(view, record.term, 24);
    setU64(view, record.timeMs, 32);
    setU64(view, record.session, 40);
    view.setUint32(48, record.sequence, true);
    view.setUint32(52, 0, true);
    setU64(view, syncedBytes, 56);
    target.set(data, at + RECORD_HEAD_BYTES);
    const check = crc32c(target.subarray(head, end), this.#seed);
    target.copyWithin(at, head, head + CHECK_AT);
    target.writeUInt32LE(check, at + CHECK_AT);
    return check;
  }

  /** The record at an offset, or undefined when none whole and unharmed stands there. */
  decode(segment: Buffer, at: number): LogRecord | undefined {
    if (at + RECORD_HEAD_BYTES > segment.length) return undefined;
    if (segment.compare(RECORD_MAGIC, 0, 4, at, at + 4) !== 0) return undefined;
    const end = at + RECORD_HEAD_BYTES + segment.readUInt32LE(at + 4);
    if (end > segment.length) return undefined;
    const data = segment.subarray(at + RECORD_HEAD_BYTES, end);
    const check = segment.readUInt32LE(at + CHECK_AT);
    const head = segment.subarray(at, at + CHECK_AT);
    if (crc32c(data, crc32c(head, this.#seed)) !== check) return undefined;
    const kind = kindOf.get(head[12] ?? 0);
    if (kind === undefined) return undefined;
    return {
      entry: kind === "mark" ? undefined : { ...numbersOf(head), kind, data },
      previousCheck: head.readUInt32LE(8),
      syncedBytes: readU64(head, 56),
      check,
      end,
    };
  }

  /** The greatest number of synced bytes that any unharmed record from `from` on states. */
  syncedClaim(segment: Buffer, from: number): number {
    let claim = 0;
    for (let at = segment.indexOf(RECORD_MAGIC, from); at >= 0; ) {
      const record = this.decode(segment, at);
      if (record !== undefined) claim = Math.max(claim, record.syncedBytes);
      at = segment.indexOf(RECORD_MAGIC, record?.end ?? at + 1);
    }
    return claim;
  }
}

function numbersOf(head: Buffer): Omit<Entry, "kind" | "data"> {
  return {
    index: readU64(head, 16) as LogIndex,
    term: readU64(head, 24) as Term,
    timeMs: readU64(head, 32),
    session: readU64(head, 40),
    sequence: head.readUInt32LE(48),
  };
}
