/**
 * Chunks as the rows of blobs hold them, 20 bytes each, little-endian:
 *
 *   0 block u32   4 needle u64   12 length u32   16 crc32c u32
 */
import type { BlockId, NeedleId } from "../base/ids.ts";
import type { Chunk } from "../rpc/objects.ts";

export const PACKED_CHUNK_BYTES = 20;

export function packChunks(chunks: readonly Chunk[]): Buffer {
  const packed = Buffer.allocUnsafe(chunks.length * PACKED_CHUNK_BYTES);
  chunks.forEach((chunk, i) => {
    const at = i * PACKED_CHUNK_BYTES;
    packed.writeUInt32LE(chunk.block, at);
    packed.writeBigUInt64LE(chunk.needle, at + 4);
    packed.writeUInt32LE(chunk.lengthBytes, at + 12);
    packed.writeUInt32LE(chunk.crc32c, at + 16);
  });
  return packed;
}

export function unpackChunks(packed: Uint8Array): Chunk[] {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const chunks: Chunk[] = [];
  for (let at = 0; at + PACKED_CHUNK_BYTES <= bytes.length; at += PACKED_CHUNK_BYTES)
    chunks.push({
      block: bytes.readUInt32LE(at) as BlockId,
      needle: bytes.readBigUInt64LE(at + 4) as NeedleId,
      lengthBytes: bytes.readUInt32LE(at + 12),
      crc32c: bytes.readUInt32LE(at + 16),
    });
  return chunks;
}
