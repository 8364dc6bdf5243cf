import { expect, test } from "vitest";
import { seededRandom } from "../base/random.ts";
import { pieceBytesOf, stripsOf } from "./strips.ts";

test("a whole chunk is one strip, and the end of a chunk belongs to its last piece", () => {
  const scheme = { k: 4, m: 2 };
  expect(stripsOf(scheme, 10, 0, 10)).toEqual([{ first: 0, count: 4, from: 0, to: 3 }]);
  expect(stripsOf(scheme, 10, 1, 9)).toEqual([
    { first: 0, count: 1, from: 1, to: 3 },
    { first: 1, count: 3, from: 0, to: 3 },
  ]);
  expect(stripsOf(scheme, 10, 2, 6)).toEqual([
    { first: 0, count: 1, from: 2, to: 3 },
    { first: 1, count: 1, from: 0, to: 3 },
    { first: 2, count: 1, from: 0, to: 2 },
  ]);
  expect(stripsOf({ k: 1, m: 2 }, 10, 4, 3)).toEqual([{ first: 0, count: 1, from: 4, to: 7 }]);
});

test("strips are the run of bytes, for any scheme, length and run", () => {
  const random = seededRandom(7);
  for (let round = 0; round < 5_000; round++) {
    const scheme = { k: 1 + (random.u32() % 12), m: 2 };
    const chunkBytes = 1 + (random.u32() % 100);
    const from = random.u32() % chunkBytes;
    const lengthBytes = 1 + (random.u32() % (chunkBytes - from));
    const pieceBytes = pieceBytesOf(scheme, chunkBytes);
    const places: number[] = [];
    const strips = stripsOf(scheme, chunkBytes, from, lengthBytes);
    expect(strips.length).toBeLessThanOrEqual(3);
    for (const { first, count, from: start, to } of strips) {
      expect(to).toBeGreaterThan(start);
      expect(to).toBeLessThanOrEqual(pieceBytes);
      expect(first + count).toBeLessThanOrEqual(scheme.k);
      for (let piece = first; piece < first + count; piece++)
        for (let at = start; at < to; at++) places.push(piece * pieceBytes + at);
    }
    const wanted = Array.from({ length: lengthBytes }, (_, i) => from + i);
    expect(places.slice(0, lengthBytes)).toEqual(wanted);
    expect(places.slice(lengthBytes).every((place) => place >= chunkBytes)).toBe(true);
  }
});
