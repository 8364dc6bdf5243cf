import { describe, expect, test } from "vitest";
import { hasCode } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { seededRandom } from "../base/random.ts";
import { decodeHeader, encodeHeader } from "./codec.ts";
import {
  emptyHead,
  FRAME_BYTES,
  type FrameKind,
  frameKinds,
  HAS_PAYLOAD,
  writeHead,
} from "./frame.ts";
import { FrameReader, type FrameSink } from "./frame-reader.ts";

interface Seen {
  readonly kind: number;
  readonly stream: number;
  readonly header: unknown;
  readonly piece: Buffer | undefined;
}

/** Remembers frames and how much memory it was made to take for one. */
class Recorder implements FrameSink {
  readonly seen: Seen[] = [];
  largestBytes = 0;
  #open: Seen | undefined;
  begin(head: ReturnType<typeof emptyHead>, header: Buffer): Uint8Array | undefined {
    const bytes = head.lengthBytes - head.headerBytes;
    this.largestBytes = Math.max(this.largestBytes, bytes);
    const value = header.length > 0 ? decodeHeader(header) : undefined;
    const piece = bytes > 0 ? Buffer.alloc(bytes) : undefined;
    this.#open = { kind: head.kind, stream: head.stream, header: value, piece };
    return piece;
  }
  end(): void {
    if (this.#open !== undefined) this.seen.push(this.#open);
  }
}

const random = seededRandom(42);
const below = (n: number) => random.u32() % n;

function frame(kind: FrameKind, stream: number, value: unknown, piece: Buffer): Buffer {
  const header = value === undefined ? Buffer.alloc(0) : encodeHeader(value);
  const head = emptyHead();
  head.kind = kind;
  head.stream = stream;
  head.flags = piece.length > 0 ? HAS_PAYLOAD : 0;
  head.headerBytes = header.length;
  head.payloadBytes = piece.length;
  head.lengthBytes = header.length + piece.length;
  const bytes = Buffer.alloc(FRAME_BYTES);
  writeHead(new DataView(bytes.buffer), 0, head);
  return Buffer.concat([bytes, header, piece]);
}

function someFrame(stream: number): { bytes: Buffer; expected: Seen } {
  const kind = ([1, 2, 3, 4, 5, 6, 7, 8] as const)[below(8)] ?? frameKinds.request;
  const value =
    kind <= 3
      ? { id: random.needleId(), name: "n".repeat(below(300)), sums: new Uint32Array(below(9)) }
      : undefined;
  const piece = random.bytes(below(3) === 0 ? below(5000) : 0);
  const expected = { kind, stream, header: value, piece: piece.length > 0 ? piece : undefined };
  return { bytes: frame(kind, stream, value, piece), expected };
}

function pushInParts(reader: FrameReader, bytes: Buffer, largestPart: number): void {
  for (let at = 0; at < bytes.length; ) {
    const part = Buffer.from(bytes.subarray(at, at + 1 + below(largestPart)));
    reader.push(part);
    at += part.length;
    part.fill(0xee); // the socket's buffer is used again
  }
}

describe("the frame reader", () => {
  test.each([1, 7, 40, 1000, 100_000])("finds frames in parts of up to %i bytes", (largestPart) => {
    const recorder = new Recorder();
    const frames = Array.from({ length: 60 }, (_, i) => someFrame(i));
    const bytes = Buffer.concat(frames.map((f) => f.bytes));
    pushInParts(new FrameReader(recorder), bytes, largestPart);
    expect(recorder.seen).toEqual(frames.map((f) => f.expected));
  });

  test("random bytes and damaged streams end in a Protocol error or in frames, never in more memory than a frame may take", () => {
    let refused = 0;
    for (let round = 0; round < 3000; round++) {
      const recorder = new Recorder();
      const bytes =
        round % 3 === 0
          ? random.bytes(below(400))
          : Buffer.concat([someFrame(1).bytes, someFrame(2).bytes, someFrame(3).bytes]);
      if (round % 3 > 0)
        for (let flips = 1 + below(6); flips > 0; flips--)
          bytes[below(bytes.length)] = below(4) === 0 ? 0xff : below(256);
      try {
        pushInParts(new FrameReader(recorder), bytes, 1 + below(500));
      } catch (error) {
        if (!hasCode(error, "Protocol")) throw error;
        refused++;
      }
      expect(recorder.largestBytes).toBeLessThanOrEqual(limits.rpcPieceBytes);
    }
    expect(refused).toBeGreaterThan(1000);
  });

  test("announced lengths beyond the maxima are refused at the head", () => {
    const good = frame(1, 1, [1], Buffer.alloc(10));
    for (const [at, value] of [
      [0, limits.rpcPieceBytes + limits.rpcHeaderBytes + 1],
      [12, limits.rpcHeaderBytes + 1],
      [12, 13],
      [16, limits.rpcPayloadBytes + 1],
      [28, 1],
    ] as const) {
      const bad = Buffer.from(good);
      bad.writeUInt32LE(value, at);
      expect(() => new FrameReader(new Recorder()).push(bad)).toThrow(/valid frame/);
    }
  });
});

describe("headers", () => {
  test("typed arrays, 64-bit integers and missing fields come back as they were", () => {
    const value = {
      sums: new Uint32Array([0, 1, 0xffffffff]),
      none: new Uint32Array(0),
      raw: Buffer.from([1, 2, 3]),
      small: 1n,
      large: 2n ** 64n - 1n,
      safe: Number.MAX_SAFE_INTEGER,
      negative: -5,
      half: 0.5,
      text: "Zürich ⛰",
      list: [null, true, [], {}],
    };
    const back = decodeHeader(encodeHeader(value)) as typeof value;
    expect(back).toEqual(value);
    expect(back.sums).toBeInstanceOf(Uint32Array);
    expect(back.raw).toBeInstanceOf(Uint8Array);
    expect(typeof back.small).toBe("bigint");
    expect(decodeHeader(encodeHeader([undefined]))).toEqual([undefined]);
  });

  test("bytes do not stay views of the buffer they came in", () => {
    const encoded = encodeHeader({ raw: Buffer.from([1, 2, 3]), sums: new Uint32Array([4]) });
    const back = decodeHeader(encoded);
    encoded.fill(0);
    expect(back).toEqual({ raw: Buffer.from([1, 2, 3]), sums: new Uint32Array([4]) });
  });

  test("an array that announces more than there is costs nothing", () => {
    const bomb = Buffer.from([0xdd, 0x7f, 0xff, 0xff, 0xff]);
    expect(() => decodeHeader(bomb)).toThrow(/no msgpack/);
    expect(() => decodeHeader(Buffer.alloc(1 << 20, 0x91))).toThrow(/no msgpack/);
  });
});
