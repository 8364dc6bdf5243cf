/**
 * The list of a linked fid: the chunks that its content is, in order. It stands in a needle whose owner
 * is marked (`LIST_MARK`), behind a head, in rows of 32 bytes, little-endian:
 *
 *      0  block     u32
 *      4  length    u32   of the chunk
 *      8  needle    u64
 *     16  CRC32C    u32   of the chunk
 *     20  from      u32   where in the chunk the used bytes begin
 *     24  used      u32   how many bytes of it belong to the content
 *     28  zero      u32
 */
import { QuarryError } from "../../base/errors.ts";
import type { BlockId, NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { ChunkRun } from "../../rpc/name-service.ts";
import { HEAD_BYTES } from "./head.ts";

const ROW_BYTES = 32;

export type ListedChunk = ChunkRun["chunks"][number];

/** A needle with room for its head. */
export function encodeList(chunks: readonly ListedChunk[]): Buffer {
  if (chunks.length > limits.fidChunks)
    throw new QuarryError("TooLarge", `a fid has at most ${limits.fidChunks} chunks`);
  const bytes = Buffer.alloc(HEAD_BYTES + chunks.length * ROW_BYTES);
  for (const [row, chunk] of chunks.entries()) {
    const at = HEAD_BYTES + row * ROW_BYTES;
    bytes.writeUInt32LE(chunk.block, at);
    bytes.writeUInt32LE(chunk.lengthBytes, at + 4);
    bytes.writeBigUInt64LE(chunk.needle, at + 8);
    bytes.writeUInt32LE(chunk.crc32c, at + 16);
    bytes.writeUInt32LE(chunk.from, at + 20);
    bytes.writeUInt32LE(chunk.usedBytes, at + 24);
  }
  return bytes;
}

/** What {@link encodeList} wrote, without its head. */
export function decodeList(list: Uint8Array): ChunkRun {
  const bytes = Buffer.from(list.buffer, list.byteOffset, list.length);
  const chunks: ListedChunk[] = [];
  let end = 0;
  for (let at = 0; at + ROW_BYTES <= bytes.length; at += ROW_BYTES) {
    const usedBytes = bytes.readUInt32LE(at + 24);
    chunks.push({
      block: bytes.readUInt32LE(at) as BlockId,
      lengthBytes: bytes.readUInt32LE(at + 4),
      needle: bytes.readBigUInt64LE(at + 8) as NeedleId,
      crc32c: bytes.readUInt32LE(at + 16),
      from: bytes.readUInt32LE(at + 20),
      usedBytes,
    });
    end += usedBytes;
  }
  return { offset: 0, chunks, end };
}
