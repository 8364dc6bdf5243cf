/**
 * Coding of long pieces window by window, so that 64 MiB need no buffer of 64 MiB. Two sets of
 * windows take turns: while one is coded and written, the next is read into the other.
 *
 * Where pieces come from and go to are parameters (`DiskFile` fits both).
 */
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Codec } from "./codec.ts";
import type { Pieces } from "./pieces.ts";
import { pieceCount, showScheme } from "./scheme.ts";

export interface PieceSource {
  /** Fills `target` from `offset`; returns the bytes read, fewer only at the end of the piece. */
  read(target: Uint8Array, offset: number): Promise<number>;
}

export interface PieceSink {
  write(parts: readonly Uint8Array[], offset: number): Promise<void>;
}

export interface WindowOptions {
  /** Length of every piece. */
  readonly pieceBytes: number;
  /** What is taken of each piece at once. */
  readonly windowBytes?: number;
}

/** Reads k data pieces once, from start to end, and writes the m parities. */
export async function encodeWindows(
  codec: Codec,
  sources: readonly PieceSource[],
  sinks: readonly PieceSink[],
  options: WindowOptions,
): Promise<void> {
  const { data, parity } = codec.scheme;
  if (sources.length !== data || sinks.length !== parity)
    throw new QuarryError(
      "InvalidArgument",
      `${sources.length} sources and ${sinks.length} sinks are given; ` +
        `${showScheme(codec.scheme)} encodes ${data} to ${parity}`,
    );
  await eachWindow(codec, options, {
    load: (pieces, at) => fill(pieces, sources.entries(), at),
    work: (pieces, { lengthBytes }) => codec.encode(pieces, lengthBytes),
    store: (pieces, at) =>
      drain(
        pieces,
        sinks.map((sink, i) => [data + i, sink] as const),
        at,
      ),
  });
}

/**
 * Computes the pieces that `sinks` want (by number) from k of the `sources` (`undefined` where one
 * is missing). A wanted piece counts as missing.
 */
export async function rebuildWindows(
  codec: Codec,
  sources: readonly (PieceSource | undefined)[],
  sinks: ReadonlyMap<number, PieceSink>,
  options: WindowOptions,
): Promise<void> {
  const wanted = [...sinks.keys()];
  const absent = everyPiece(codec, sources).filter((i) => sources[i] === undefined || sinks.has(i));
  const used = new Set(codec.sources(absent));
  const missing = everyPiece(codec, sources).filter((i) => !used.has(i));
  const read = [...used].map((i) => [i, sources[i]] as const).filter(hasSource);
  await eachWindow(codec, options, {
    load: (pieces, at) => fill(pieces, read, at),
    work: (pieces, { lengthBytes }) => codec.reconstruct(pieces, missing, wanted, lengthBytes),
    store: (pieces, at) => drain(pieces, sinks, at),
  });
}

/** Reads all pieces; the numbers of the parities that are not what the data gives. */
export async function verifyWindows(
  codec: Codec,
  sources: readonly PieceSource[],
  options: WindowOptions,
): Promise<number[]> {
  everyPiece(codec, sources);
  const wrong = new Set<number>();
  await eachWindow(codec, options, {
    load: (pieces, at) => fill(pieces, sources.entries(), at),
    async work(pieces, { lengthBytes }) {
      for (const i of await codec.verify(pieces, lengthBytes)) wrong.add(i);
    },
    store: () => Promise.resolve(),
  });
  return [...wrong].sort((a, b) => a - b);
}

/** Where a window stands in the pieces. */
interface Place {
  readonly offset: number;
  readonly lengthBytes: number;
}

interface Steps {
  load(pieces: Pieces, at: Place): Promise<void>;
  work(pieces: Pieces, at: Place): Promise<void>;
  store(pieces: Pieces, at: Place): Promise<void>;
}

async function eachWindow(codec: Codec, options: WindowOptions, steps: Steps): Promise<void> {
  const { pieceBytes, windowBytes = limits.erasureWindowBytes } = options;
  if (!Number.isInteger(windowBytes) || windowBytes < 1)
    throw new QuarryError("InvalidArgument", `a window of ${windowBytes} bytes cannot be`);
  const places = Array.from({ length: Math.ceil(pieceBytes / windowBytes) }, (_, i) => ({
    offset: i * windowBytes,
    lengthBytes: Math.min(windowBytes, pieceBytes - i * windowBytes),
  }));
  const longest = Math.min(windowBytes, pieceBytes);
  using here = codec.pieces(longest);
  using there = codec.pieces(longest);
  const setOf = (i: number) => (i % 2 === 0 ? here : there);
  /** Loads window `i`, if there is one, into the set that window `i - 2` has left. */
  const load = async (i: number) => {
    const place = places[i];
    if (place !== undefined) await steps.load(setOf(i), place);
  };
  const code = async (i: number, place: Place) => {
    await steps.work(setOf(i), place);
    await steps.store(setOf(i), place);
  };
  await load(0);
  for (const [i, place] of places.entries()) await allDone([load(i + 1), code(i, place)]);
}

async function fill(
  pieces: Pieces,
  sources: Iterable<readonly [number, PieceSource]>,
  { offset, lengthBytes }: Place,
): Promise<void> {
  const reads = [...sources].map(async ([i, source]) => {
    const got = await source.read(pieces.at(i).subarray(0, lengthBytes), offset);
    if (got !== lengthBytes)
      throw new QuarryError(
        "InvalidArgument",
        `piece ${i} ends at ${offset + got}; ${offset + lengthBytes} bytes are needed of it`,
      );
  });
  await allDone(reads);
}

async function drain(
  pieces: Pieces,
  sinks: Iterable<readonly [number, PieceSink]>,
  { offset, lengthBytes }: Place,
): Promise<void> {
  const writes = [...sinks].map(([i, sink]) =>
    sink.write([pieces.at(i).subarray(0, lengthBytes)], offset),
  );
  await allDone(writes);
}

/** Waits for all, also after a failure, as the memory is theirs; then throws the first failure. */
async function allDone(work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}

function everyPiece(codec: Codec, sources: readonly unknown[]): number[] {
  const needed = pieceCount(codec.scheme);
  if (sources.length !== needed)
    throw new QuarryError(
      "InvalidArgument",
      `${sources.length} pieces are given; ${showScheme(codec.scheme)} has ${needed}`,
    );
  return Array.from({ length: needed }, (_, i) => i);
}

const hasSource = (
  entry: readonly [number, PieceSource | undefined],
): entry is readonly [number, PieceSource] => entry[1] !== undefined;
