import { describe, expect, test } from "vitest";
import { seededRandom } from "../base/random.ts";
import { Codec } from "./codec.ts";
import { CodecMemory } from "./memory.ts";
import { schemeOf } from "./scheme.ts";
import {
  encodeWindows,
  type PieceSink,
  type PieceSource,
  rebuildWindows,
  verifyWindows,
} from "./windows.ts";

/** A piece in plain memory that is read and written like a file, after a turn of the event loop. */
class MemoryPiece implements PieceSource, PieceSink {
  readonly bytes: Buffer;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
  async read(target: Uint8Array, offset: number): Promise<number> {
    await new Promise(setImmediate);
    const part = this.bytes.subarray(offset, offset + target.length);
    target.set(part);
    return part.length;
  }
  async write(parts: readonly Uint8Array[], offset: number): Promise<void> {
    const copy = Buffer.concat(parts);
    await new Promise(setImmediate);
    this.bytes.set(copy, offset);
  }
}

const memory = new CodecMemory();
const codec = new Codec(schemeOf(5, 3), memory);

function emptyPieces(count: number, pieceBytes: number): MemoryPiece[] {
  return Array.from({ length: count }, () => new MemoryPiece(Buffer.alloc(pieceBytes)));
}

async function encoded(pieceBytes: number, windowBytes: number): Promise<MemoryPiece[]> {
  const random = seededRandom(pieceBytes);
  const data = Array.from({ length: 5 }, () => new MemoryPiece(random.bytes(pieceBytes)));
  const parity = emptyPieces(3, pieceBytes);
  await encodeWindows(codec, data, parity, { pieceBytes, windowBytes });
  return [...data, ...parity];
}

describe.each([
  [0, 64],
  [1, 64],
  [1000, 1],
  [1000, 64],
  [1000, 100],
  [1000, 999],
  [1000, 1000],
  [100_000, 4096],
])("pieces of %i bytes in windows of %i", (pieceBytes, windowBytes) => {
  test("give the parities of the whole, verify, and come back", async () => {
    const pieces = await encoded(pieceBytes, windowBytes);
    using whole = codec.pieces(pieceBytes);
    pieces.forEach(({ bytes }, i) => {
      whole.at(i).set(bytes);
    });
    expect(await codec.verify(whole)).toEqual([]);
    expect(await verifyWindows(codec, pieces, { pieceBytes, windowBytes })).toEqual([]);
    const restored = emptyPieces(3, pieceBytes);
    await rebuildWindows(
      codec,
      pieces.map((piece, i) => ([1, 4, 6].includes(i) ? undefined : piece)),
      new Map([1, 4, 6].map((i, nth) => [i, restored[nth]!])),
      { pieceBytes, windowBytes },
    );
    for (const [nth, i] of [1, 4, 6].entries())
      expect(restored[nth]!.bytes.equals(pieces[i]!.bytes)).toBe(true);
  });
});

test("one flipped byte is found in whatever window it is", async () => {
  const pieces = await encoded(1000, 64);
  for (const at of [0, 63, 64, 999]) {
    pieces[6]!.bytes[at]! ^= 1;
    expect(await verifyWindows(codec, pieces, { pieceBytes: 1000, windowBytes: 64 })).toEqual([6]);
    pieces[6]!.bytes[at]! ^= 1;
  }
});

test("long pieces take the memory of a few windows", async () => {
  const fresh = new CodecMemory();
  const data = emptyPieces(4, 4 * 1024 * 1024);
  await encodeWindows(new Codec(schemeOf(4, 2), fresh), data, emptyPieces(2, 4 * 1024 * 1024), {
    pieceBytes: 4 * 1024 * 1024,
    windowBytes: 65_536,
  });
  expect(fresh.shared.buffer.byteLength).toBeLessThan(16 * 65_536);
});

describe("what fails", () => {
  test("a piece that ends early is named, and nothing keeps memory", async () => {
    const before = memory.usedBytes;
    const pieces = await encoded(1000, 64);
    pieces[2] = new MemoryPiece(Buffer.alloc(999));
    await expect(
      verifyWindows(codec, pieces, { pieceBytes: 1000, windowBytes: 64 }),
    ).rejects.toThrow("piece 2 ends at 999; 1000 bytes are needed of it");
    expect(memory.usedBytes).toBeGreaterThanOrEqual(before);
    expect(memory.usedBytes).toBeLessThan(before + 4096);
  });

  test("a sink that fails ends the work with its error", async () => {
    const broken: PieceSink = { write: () => Promise.reject(new Error("no space")) };
    const data = emptyPieces(5, 1000);
    const sinks = [...emptyPieces(2, 1000), broken];
    await expect(
      encodeWindows(codec, data, sinks, { pieceBytes: 1000, windowBytes: 64 }),
    ).rejects.toThrow("no space");
  });

  test("wrong counts and too many losses are refused before anything is read", async () => {
    const pieces = await encoded(10, 64);
    const options = { pieceBytes: 10, windowBytes: 64 };
    await expect(encodeWindows(codec, pieces, [], options)).rejects.toThrow(
      "8 sources and 0 sinks are given; 5+3 encodes 5 to 3",
    );
    await expect(verifyWindows(codec, pieces.slice(1), options)).rejects.toThrow(
      "7 pieces are given; 5+3 has 8",
    );
    const few = pieces.map((piece, i) => (i < 3 ? undefined : piece));
    await expect(
      rebuildWindows(codec, few, new Map([[3, pieces[3]!]]), options),
    ).rejects.toMatchObject({ code: "TooFewPieces" });
    await expect(
      encodeWindows(codec, pieces.slice(0, 5), pieces.slice(5), { ...options, windowBytes: 0 }),
    ).rejects.toThrow("a window of 0 bytes cannot be");
  });
});
