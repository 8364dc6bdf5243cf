/**
 * Whole contents in memory: cut into pieces and put together again, with exact lengths (0 and 1
 * included). The k data pieces one after the other are the content, zeros fill up the last ones.
 */
import { payloadPool } from "../base/buffer-pool.ts";
import { crc32c } from "../base/checksum.ts";
import { QuarryError } from "../base/errors.ts";
import type { Codec } from "./codec.ts";
import type { Pieces } from "./pieces.ts";
import { pieceBytesOf, pieceCount, showScheme } from "./scheme.ts";

/** Fills the first `dataPieces` pieces with a content and the zeros that follow it. */
export function split(content: Uint8Array, pieces: Pieces, dataPieces: number): void {
  const { lengthBytes } = pieces;
  if (content.length > lengthBytes * dataPieces)
    throw new QuarryError(
      "InvalidArgument",
      `${content.length} bytes do not fit into ${dataPieces} pieces of ${lengthBytes} bytes`,
    );
  for (let i = 0; i < dataPieces; i++) {
    const part = content.subarray(i * lengthBytes, (i + 1) * lengthBytes);
    lay(part, pieces.at(i));
    pieces.at(i).fill(0, part.length);
  }
}

/**
 * V8 copies into memory that threads share in words of 8 bytes, and where the two do not line up byte by
 * byte, at a seventh of the speed: such a part goes by way of memory of this thread alone.
 */
function lay(part: Uint8Array, piece: Buffer): void {
  if (part.byteOffset % 8 === 0) {
    piece.set(part);
    return;
  }
  const own = payloadPool.take(part.length);
  own.set(part);
  piece.set(own);
  payloadPool.give(own);
}

/** The first `lengthBytes` of the data pieces, one after the other, in fresh memory. */
export function join(pieces: readonly Uint8Array[], lengthBytes: number): Buffer {
  const given = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (!Number.isInteger(lengthBytes) || lengthBytes < 0 || lengthBytes > given)
    throw new QuarryError(
      "InvalidArgument",
      `${lengthBytes} bytes are asked of ${pieces.length} data pieces that have ${given}`,
    );
  const content = Buffer.allocUnsafe(lengthBytes);
  let at = 0;
  for (const piece of pieces) {
    content.set(piece.subarray(0, Math.min(piece.length, lengthBytes - at)), at);
    at = Math.min(at + piece.length, lengthBytes);
  }
  return content;
}

/** Gives `use` all k + m pieces of a content; they are in the codec's memory and end with the call. */
export async function encodeContent<T>(
  codec: Codec,
  content: Uint8Array,
  use: (pieces: Pieces) => T | Promise<T>,
): Promise<T> {
  using pieces = codec.pieces(pieceBytesOf(codec.scheme, content.length));
  split(content, pieces, codec.scheme.data);
  await codec.encode(pieces);
  return await use(pieces);
}

/** A piece as it was found, and the CRC32C that it should have. */
export interface FoundPiece {
  readonly bytes: Uint8Array;
  readonly crc32c: number;
}

/**
 * The content of `lengthBytes` from its pieces, `undefined` where one is missing. A piece whose
 * CRC32C is wrong counts as missing. Throws `TooFewPieces` when fewer than k good ones are there.
 */
export async function decodeContent(
  codec: Codec,
  found: readonly (FoundPiece | undefined)[],
  lengthBytes: number,
): Promise<Buffer> {
  const { scheme } = codec;
  const needed = pieceCount(scheme);
  if (found.length !== needed)
    throw new QuarryError(
      "InvalidArgument",
      `${found.length} places for pieces are given; ${showScheme(scheme)} has ${needed}`,
    );
  using pieces = codec.pieces(pieceBytesOf(scheme, lengthBytes));
  const missing: number[] = [];
  found.forEach((piece, i) => {
    if (piece === undefined) missing.push(i);
    else if (piece.bytes.length !== pieces.lengthBytes)
      throw new QuarryError(
        "InvalidArgument",
        `piece ${i} has ${piece.bytes.length} bytes; ${pieces.lengthBytes} are needed, ` +
          `as the content has ${lengthBytes} and the scheme is ${showScheme(scheme)}`,
      );
    else if (crc32c(piece.bytes) !== piece.crc32c) missing.push(i);
    else pieces.at(i).set(piece.bytes);
  });
  await codec.reconstruct(
    pieces,
    missing,
    missing.filter((i) => i < scheme.data),
  );
  return join(pieces.range(0, scheme.data), lengthBytes);
}
