import { expect, test } from "vitest";
import { firstOffset, parseRange, resolveRange } from "./range.ts";

test.each<[string, number, ReturnType<typeof resolveRange> | undefined, number]>([
  ["bytes=0-0", 10, { offset: 0, lengthBytes: 1 }, 0],
  ["bytes=0-9", 10, { offset: 0, lengthBytes: 10 }, 0],
  ["bytes=0-99", 10, { offset: 0, lengthBytes: 10 }, 0],
  ["bytes=3-", 10, { offset: 3, lengthBytes: 7 }, 3],
  ["bytes=9-9", 10, { offset: 9, lengthBytes: 1 }, 9],
  ["bytes=-1", 10, { offset: 9, lengthBytes: 1 }, -1],
  ["bytes=-99", 10, { offset: 0, lengthBytes: 10 }, -99],
  ["BYTES = 1 - 2", 10, { offset: 1, lengthBytes: 2 }, 1],
  ["bytes=10-", 10, "unsatisfiable", 10],
  ["bytes=10-20", 10, "unsatisfiable", 10],
  ["bytes=-0", 10, "unsatisfiable", 0],
  ["bytes=0-", 0, "unsatisfiable", 0],
  ["bytes=-5", 0, "unsatisfiable", -5],
  ["bytes=5-4", 10, undefined, 0],
  ["bytes=-", 10, undefined, 0],
  ["bytes=a-b", 10, undefined, 0],
  ["bytes=0-1,3-4", 10, undefined, 0],
  ["items=0-1", 10, undefined, 0],
  ["bytes=9999999999999999-", 10, undefined, 0],
])("%s of %i bytes", (text, objectBytes, expected, first) => {
  const range = parseRange(text);
  expect(range && resolveRange(range, objectBytes)).toEqual(expected);
  expect(firstOffset(range)).toBe(first);
});
