/**
 * Which bytes of which pieces a run of bytes of a chunk is. A chunk of L bytes is k consecutive data
 * pieces of ceil(L / k) bytes, zeros behind the last; with k = 1 the piece is the chunk.
 */
import type { PoolScheme } from "../rpc/pool.ts";

/** The same range of neighbouring data pieces: what can be reconstructed together. */
export interface Strip {
  /** The first data piece, and how many. */
  readonly first: number;
  readonly count: number;
  /** Range within each of these pieces, in bytes. */
  readonly from: number;
  readonly to: number;
}

export const pieceBytesOf = ({ k }: PoolScheme, chunkBytes: number): number =>
  Math.ceil(chunkBytes / k);

/**
 * At most three strips that cover bytes [from, from + lengthBytes) of a chunk, in order: the end of a
 * piece, whole pieces, the beginning of one. The last may bring zeros from behind the chunk's end.
 */
export function stripsOf(
  scheme: PoolScheme,
  chunkBytes: number,
  from: number,
  lengthBytes: number,
): Strip[] {
  const pieceBytes = pieceBytesOf(scheme, chunkBytes);
  if (scheme.k === 1) return [{ first: 0, count: 1, from, to: from + lengthBytes }];
  const end = from + lengthBytes;
  const first = Math.floor(from / pieceBytes);
  const last = Math.floor((end - 1) / pieceBytes);
  const startIn = from - first * pieceBytes;
  const endIn = end === chunkBytes ? pieceBytes : end - last * pieceBytes;
  if (first === last) return [{ first, count: 1, from: startIn, to: end - last * pieceBytes }];
  const wholeFirst = startIn === 0 ? first : first + 1;
  const wholeEnd = endIn === pieceBytes ? last + 1 : last;
  return [
    ...(startIn > 0 ? [{ first, count: 1, from: startIn, to: pieceBytes }] : []),
    ...(wholeEnd > wholeFirst
      ? [{ first: wholeFirst, count: wholeEnd - wholeFirst, from: 0, to: pieceBytes }]
      : []),
    ...(wholeEnd === last ? [{ first: last, count: 1, from: 0, to: endIn }] : []),
  ];
}
