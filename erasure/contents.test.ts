import { describe, expect, test } from "vitest";
import { crc32c } from "../base/checksum.ts";
import { seededRandom } from "../base/random.ts";
import { Codec } from "./codec.ts";
import { decodeContent, encodeContent, join, split } from "./contents.ts";
import { CodecMemory } from "./memory.ts";
import { schemeOf } from "./scheme.ts";

const memory = new CodecMemory();
const codec = new Codec(schemeOf(4, 2), memory);

async function piecesOf(content: Uint8Array) {
  return await encodeContent(codec, content, (pieces) =>
    Array.from({ length: pieces.count }, (_, i) => {
      const bytes = Buffer.from(pieces.at(i));
      return { bytes, crc32c: crc32c(bytes) };
    }),
  );
}

test.each([0, 1, 2, 3, 4, 5, 7, 8, 255, 256, 257, 4095, 100_003])(
  "%i bytes come back from any 4 of 6 pieces",
  async (lengthBytes) => {
    const content = seededRandom(lengthBytes).bytes(lengthBytes);
    const found = await piecesOf(content);
    expect(found.map(({ bytes }) => bytes.length)).toEqual(
      Array.from({ length: 6 }, () => Math.ceil(lengthBytes / 4)),
    );
    const stored = Buffer.concat(found.slice(0, 4).map(({ bytes }) => bytes));
    expect(stored.subarray(0, lengthBytes).equals(content)).toBe(true);
    expect(stored.subarray(lengthBytes).every((byte) => byte === 0)).toBe(true);
    for (let a = 0; a < 6; a++)
      for (let b = a; b < 6; b++) {
        const left = found.map((piece, i) => (i === a || i === b ? undefined : piece));
        expect((await decodeContent(codec, left, lengthBytes)).equals(content)).toBe(true);
      }
  },
);

test("memory that held other bytes before does not show in the padding", async () => {
  await piecesOf(Buffer.alloc(400, 0xff));
  const found = await piecesOf(Buffer.from([1, 2, 3, 4, 5]));
  expect(found.slice(0, 4).map(({ bytes }) => [...bytes])).toEqual([
    [1, 2],
    [3, 4],
    [5, 0],
    [0, 0],
  ]);
});

describe("what is found", () => {
  const content = seededRandom(1).bytes(1000);

  test("corrupt pieces are told by their CRC and count as missing", async () => {
    const found = await piecesOf(content);
    const flip = (i: number, at: number) => {
      const bytes = found[i]!.bytes;
      bytes[at] = bytes[at]! ^ 0x80;
    };
    flip(0, 17);
    flip(5, 249);
    expect((await decodeContent(codec, found, 1000)).equals(content)).toBe(true);
    flip(2, 0);
    await expect(decodeContent(codec, found, 1000)).rejects.toMatchObject({
      code: "TooFewPieces",
      message: "3 pieces are given; 4+2 needs 4: 3 are missing, at most 2 may be",
    });
  });

  test("wrong counts and sizes are refused", async () => {
    const found = await piecesOf(content);
    await expect(decodeContent(codec, found.slice(1), 1000)).rejects.toMatchObject({
      code: "InvalidArgument",
      message: "5 places for pieces are given; 4+2 has 6",
    });
    await expect(decodeContent(codec, found, 1001)).rejects.toThrow(
      "piece 0 has 250 bytes; 251 are needed, as the content has 1001 and the scheme is 4+2",
    );
    using pieces = codec.pieces(10);
    expect(() => split(Buffer.alloc(41), pieces, 4)).toThrow(
      "41 bytes do not fit into 4 pieces of 10 bytes",
    );
    expect(() => join([Buffer.alloc(3)], 4)).toThrow(
      "4 bytes are asked of 1 data pieces that have 3",
    );
  });
});
