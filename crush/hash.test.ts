import { expect, test } from "vitest";
import { hash2, hash3, scheduledHash3 } from "./hash.ts";
import { seededNumbers } from "./seeded.ts";

test("the written-out hash is the scheduled one", () => {
  const next = seededNumbers(1);
  for (let i = 0; i < 20_000; i++) {
    const [a, b, c] = [next() | 0, next() | 0, next() | 0];
    expect(hash3(a, b, c)).toBe(scheduledHash3(a, b, c));
  }
});

test("inputs count modulo 2^32", () => {
  expect(hash3(-1, -2, -3)).toBe(hash3(0xffffffff, 0xfffffffe, 0xfffffffd));
  expect(hash2(-1, 7)).toBe(hash2(0xffffffff, 7));
});
