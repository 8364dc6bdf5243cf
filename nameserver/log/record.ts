/**
 * The bytes of the metadata log. A segment is a header and records without gaps, little-endian;
 * behind the last record stand zeros or nothing. Every checksum starts from the log's salt, a random
 * number, so that no client can put something into a payload that passes for a record.
 *
 *   segment header, 64 bytes
 *     0  magic "QLOG"      4  u32 format version, 1
 *     8  u64 index of the first entry          16  u64 time of the entry before, ms
 *    24  u32 check of the record before        28  u32 salt
 *    32  reserved, 0                           60  u32 CRC32C of bytes 0 … 59
 *
 *   record, 68 bytes and the payload
 *     0  magic "QREC"      4  u32 payload length
 *     8  u32 check of the entry before (the chain)
 *    12  u8 kind: 1 entry, 2 mark              13  reserved, 0
 *    16  u64 index         24  u64 term        32  u64 leader's time, ms
 *    40  u64 session       48  u32 sequence in the session       52  reserved, 0
 *    56  u64 synced bytes: how far this file was synced when the record was written
 *    64  u32 check: CRC32C of salt, bytes 0 … 63 and payload
 *    68  payload: a command in msgpack; nothing for a mark
 *
 * A mark states synced bytes only. It is no link of the chain: it carries the check, index and time
 * of the entry before it.
 */
import { crc32c } from "../base/checksum.ts";
import type { LogIndex } from "../base/ids.ts";

export const LOG_FORMAT = 1;
export const SEGMENT_HEAD_BYTES = 64;
export const RECORD_HEAD_BYTES = 68;
const SEGMENT_MAGIC = 0x474f4c51;
const RECORD_MAGIC = Buffer.from("QREC");
const CHECK_AT = 64;

export interface SegmentHead {
  readonly format: number;
  readonly firstIndex: LogIndex;
  readonly timeMs: number;
  readonly previousCheck: number;
  readonly salt: number;
}

export type RecordKind = "entry" | "mark";

export interface RecordHead {
  readonly kind: RecordKind;
  readonly previousCheck: number;
  readonly index: LogIndex;
  readonly term: number;
  readonly timeMs: number;
  readonly session: number;
  readonly sequence: number;
  readonly syncedBytes: number;
}

export interface LogRecord extends RecordHead {
  readonly check: number;
  readonly payload: Buffer;
  /** Offset behind the record. */
  readonly end: number;
}

const writeU64 = (target: Buffer, value: number, at: number) => {
  target.writeUInt32LE(value % 2 ** 32, at);
  target.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
};
const readU64 = (from: Buffer, at: number) =>
  from.readUInt32LE(at) + from.readUInt32LE(at + 4) * 2 ** 32;

function saltSeed(salt: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(salt);
  return crc32c(bytes);
}

export function encodeSegmentHead(head: SegmentHead): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEAD_BYTES);
  bytes.writeUInt32LE(SEGMENT_MAGIC, 0);
  bytes.writeUInt32LE(head.format, 4);
  writeU64(bytes, head.firstIndex, 8);
  writeU64(bytes, head.timeMs, 16);
  bytes.writeUInt32LE(head.previousCheck, 24);
  bytes.writeUInt32LE(head.salt, 28);
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
    firstIndex: readU64(bytes, 8) as LogIndex,
    timeMs: readU64(bytes, 16),
    previousCheck: bytes.readUInt32LE(24),
    salt: bytes.readUInt32LE(28),
  };
}

/** Makes and reads the records of one log. */
export class RecordCodec {
  readonly #seed: number;

  constructor(salt: number) {
    this.#seed = saltSeed(salt);
  }

  encodeHead(
    head: RecordHead,
    payload: Buffer,
  ): { readonly bytes: Buffer; readonly check: number } {
    const bytes = Buffer.alloc(RECORD_HEAD_BYTES);
    bytes.set(RECORD_MAGIC, 0);
    bytes.writeUInt32LE(payload.length, 4);
    bytes.writeUInt32LE(head.previousCheck, 8);
    bytes[12] = head.kind === "entry" ? 1 : 2;
    writeU64(bytes, head.index, 16);
    writeU64(bytes, head.term, 24);
    writeU64(bytes, head.timeMs, 32);
    writeU64(bytes, head.session, 40);
    bytes.writeUInt32LE(head.sequence, 48);
    writeU64(bytes, head.syncedBytes, 56);
    const check = crc32c(payload, crc32c(bytes.subarray(0, CHECK_AT), this.#seed));
    bytes.writeUInt32LE(check, CHECK_AT);
    return { bytes, check };
  }

  /** The record at an offset, or undefined when none whole and unharmed stands there. */
  decode(segment: Buffer, at: number): LogRecord | undefined {
    if (at + RECORD_HEAD_BYTES > segment.length) return undefined;
    if (segment.compare(RECORD_MAGIC, 0, 4, at, at + 4) !== 0) return undefined;
    const end = at + RECORD_HEAD_BYTES + segment.readUInt32LE(at + 4);
    if (end > segment.length) return undefined;
    const payload = segment.subarray(at + RECORD_HEAD_BYTES, end);
    const check = segment.readUInt32LE(at + CHECK_AT);
    const head = segment.subarray(at, at + CHECK_AT);
    if (crc32c(payload, crc32c(head, this.#seed)) !== check) return undefined;
    return {
      kind: head[12] === 1 ? "entry" : "mark",
      previousCheck: head.readUInt32LE(8),
      index: readU64(head, 16) as LogIndex,
      term: readU64(head, 24),
      timeMs: readU64(head, 32),
      session: readU64(head, 40),
      sequence: head.readUInt32LE(48),
      syncedBytes: readU64(head, 56),
      check,
      payload,
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
