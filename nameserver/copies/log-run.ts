/**
 * A run of the log's entries in a needle. Little-endian:
 *
 *     0  magic "QUARRYML"        8  u32 format         12  u32 entries
 *    16  u64 index of the first; the others follow without a gap
 *    24  entries: u64 term, u64 time in ms, u64 session, u32 sequence, u8 kind (1 command,
 *        3 configuration, 4 nothing), 3 bytes 0, u32 length of the data, the data
 *        u32 CRC32C of everything before
 *
 * In format 2 the entries are one frame of Zstandard.
 */
import { crc32c } from "../../base/checksum.ts";
import type { LogIndex, Term } from "../../base/ids.ts";
import type { Entry, EntryKind } from "../../raft/entry.ts";
import { type CopyForm, formats, formOfFormat, pack, unpack } from "./compressed.ts";

const MAGIC = Buffer.from("QUARRYML");
const HEAD_BYTES = 24;
const ENTRY_HEAD_BYTES = 36;
const CHECK_BYTES = 4;

const kinds: Readonly<Record<EntryKind, number>> = { command: 1, configuration: 3, nothing: 4 };
const kindOf = new Map(Object.entries(kinds).map(([kind, code]) => [code, kind as EntryKind]));

export async function encodeLogRun(entries: readonly Entry[], form: CopyForm): Promise<Buffer> {
  const head = Buffer.alloc(HEAD_BYTES);
  MAGIC.copy(head);
  head.writeUInt32LE(formats[form], 8);
  head.writeUInt32LE(entries.length, 12);
  head.writeBigUInt64LE(BigInt(entries[0]?.index ?? 0), 16);
  const packed = await pack(form, Buffer.concat(entries.flatMap(entryParts)));
  const check = Buffer.alloc(CHECK_BYTES);
  check.writeUInt32LE(crc32c(packed, crc32c(head)));
  return Buffer.concat([head, packed, check]);
}

function entryParts({ term, timeMs, session, sequence, kind, data }: Entry): Uint8Array[] {
  const one = Buffer.alloc(ENTRY_HEAD_BYTES);
  one.writeBigUInt64LE(BigInt(term), 0);
  one.writeBigUInt64LE(BigInt(timeMs), 8);
  one.writeBigUInt64LE(BigInt(session), 16);
  one.writeUInt32LE(sequence, 24);
  one[28] = kinds[kind];
  one.writeUInt32LE(data.length, 32);
  return [one, data];
}

/** Undefined when the bytes are no whole run of a format that is known. */
export function decodeLogRun(bytes: Buffer): Entry[] | undefined {
  const end = bytes.length - CHECK_BYTES;
  if (end < HEAD_BYTES || !MAGIC.equals(bytes.subarray(0, 8))) return undefined;
  if (crc32c(bytes.subarray(0, end)) !== bytes.readUInt32LE(end)) return undefined;
  const form = formOfFormat(bytes.readUInt32LE(8));
  const body = form && unpack(form, bytes.subarray(HEAD_BYTES, end));
  if (body === undefined) return undefined;
  return entriesIn(body, bytes.readUInt32LE(12), Number(bytes.readBigUInt64LE(16)));
}

function entriesIn(bytes: Buffer, count: number, first: number): Entry[] | undefined {
  const entries: Entry[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_HEAD_BYTES > bytes.length) return undefined;
    const dataAt = at + ENTRY_HEAD_BYTES;
    const dataEnd = dataAt + bytes.readUInt32LE(at + 32);
    const kind = kindOf.get(bytes[at + 28] ?? 0);
    if (kind === undefined || dataEnd > bytes.length) return undefined;
    entries.push({
      index: (first + i) as LogIndex,
      term: Number(bytes.readBigUInt64LE(at)) as Term,
      timeMs: Number(bytes.readBigUInt64LE(at + 8)),
      kind,
      session: Number(bytes.readBigUInt64LE(at + 16)),
      sequence: bytes.readUInt32LE(at + 24),
      data: bytes.subarray(dataAt, dataEnd),
    });
    at = dataEnd;
  }
  return at === bytes.length ? entries : undefined;
}
