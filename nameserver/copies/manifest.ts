/**
 * The last needle of a snapshot in blocks: which chunks it consists of, and what they must come to.
 * Little-endian:
 *
 *     0  magic "QUARRYMS"        8  u32 format         12  u32 chunks
 *    16  u64 index of the last entry in it             24  u64 that entry's term
 *    32  u64 its time, ms       40  u64 rows           48  u64 bytes of all chunks
 *    56  u32 u32 the state's digest                    64  SHA-256 of the chunks, one behind the other
 *    96  20 bytes for each chunk (chunk-codec.ts)
 *        u32 CRC32C of everything before
 *
 * In format 2 each chunk is a frame of Zstandard; SHA-256 and bytes are of the chunks as they stand.
 */
import { crc32c } from "../../base/checksum.ts";
import type { LogIndex, Term } from "../../base/ids.ts";
import type { Chunk } from "../../rpc/objects.ts";
import { PACKED_CHUNK_BYTES, packChunks, unpackChunks } from "../chunk-codec.ts";
import type { Digest } from "../row-codec.ts";
import { type CopyForm, formats, formOfFormat } from "./compressed.ts";

const MAGIC = Buffer.from("QUARRYMS");
const HEAD_BYTES = 96;
const CHECK_BYTES = 4;

export interface Manifest {
  /** Of the chunks. */
  readonly form: CopyForm;
  readonly index: LogIndex;
  readonly term: Term;
  readonly timeMs: number;
  readonly rows: number;
  readonly bytes: number;
  readonly digest: Digest;
  readonly sha256: Buffer;
  readonly chunks: readonly Chunk[];
}

/** Bytes of the manifest of so many chunks. */
export const manifestBytes = (chunks: number) =>
  HEAD_BYTES + chunks * PACKED_CHUNK_BYTES + CHECK_BYTES;

export function encodeManifest(manifest: Manifest): Buffer {
  const { form, index, term, timeMs, rows, bytes, digest, sha256, chunks } = manifest;
  const head = Buffer.alloc(HEAD_BYTES);
  MAGIC.copy(head);
  head.writeUInt32LE(formats[form], 8);
  head.writeUInt32LE(chunks.length, 12);
  [index, term, timeMs, rows, bytes].forEach((value, i) => {
    head.writeBigUInt64LE(BigInt(value), 16 + i * 8);
  });
  head.writeUInt32LE(digest.a, 56);
  head.writeUInt32LE(digest.b, 60);
  sha256.copy(head, 64);
  const check = Buffer.alloc(CHECK_BYTES);
  const packed = packChunks(chunks);
  check.writeUInt32LE(crc32c(packed, crc32c(head)));
  return Buffer.concat([head, packed, check]);
}

/** Undefined when the bytes are no whole manifest of a format that is known. */
export function decodeManifest(bytes: Buffer): Manifest | undefined {
  if (bytes.length < HEAD_BYTES + CHECK_BYTES || !MAGIC.equals(bytes.subarray(0, 8)))
    return undefined;
  const end = bytes.length - CHECK_BYTES;
  if (crc32c(bytes.subarray(0, end)) !== bytes.readUInt32LE(end)) return undefined;
  const count = bytes.readUInt32LE(12);
  const form = formOfFormat(bytes.readUInt32LE(8));
  if (form === undefined || end !== HEAD_BYTES + count * PACKED_CHUNK_BYTES) return undefined;
  const number = (i: number) => Number(bytes.readBigUInt64LE(16 + i * 8));
  return {
    form,
    index: number(0) as LogIndex,
    term: number(1) as Term,
    timeMs: number(2),
    rows: number(3),
    bytes: number(4),
    digest: { a: bytes.readUInt32LE(56), b: bytes.readUInt32LE(60) },
    sha256: Buffer.from(bytes.subarray(64, 96)),
    chunks: unpackChunks(bytes.subarray(HEAD_BYTES, end)),
  };
}
