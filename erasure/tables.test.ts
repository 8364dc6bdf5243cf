import { expect, test } from "vitest";
import type { Combination } from "./matrix.ts";
import { CodecMemory } from "./memory.ts";
import { TableCache } from "./tables.ts";

const combination: Combination = {
  sources: [0, 1],
  targets: [2],
  rows: [Uint8Array.of(1, 2)],
};

test("a combination is made once, and the one not used for longest goes first", async () => {
  const memory = new CodecMemory();
  const cache = new TableCache(memory, 2 * 64);
  const made: string[] = [];
  const use = (key: string) =>
    cache.use(
      key,
      () => {
        made.push(key);
        return combination;
      },
      async (_, tables) => {
        expect([...memory.view(tables, 4)]).toEqual([0, 1, 2, 3]);
      },
    );
  for (const key of ["a", "b", "a", "c", "a", "b"]) await use(key);
  expect(made).toEqual(["a", "b", "c", "b"]);
  expect(cache.size).toBe(2);
  expect(memory.usedBytes).toBe(128);
});

test("tables in use stay, also when they take too much", async () => {
  const memory = new CodecMemory();
  const cache = new TableCache(memory, 0);
  await cache.use(
    "outer",
    () => combination,
    async (_, tables) => {
      await cache.use(
        "inner",
        () => combination,
        async () => {},
      );
      expect([...memory.view(tables, 4)]).toEqual([0, 1, 2, 3]);
      expect(memory.usedBytes).toBe(64);
    },
  );
  expect(memory.usedBytes).toBe(0);
});

test("what counts is what is really taken: small and empty tables take a cache line", async () => {
  const memory = new CodecMemory();
  const cache = new TableCache(memory, 10 * 64);
  const small = { sources: [0], targets: [1], rows: [Uint8Array.of(1)] };
  for (let i = 0; i < 100; i++) {
    const empty = { sources: [0], targets: [], rows: [] };
    await cache.use(
      `${i}`,
      () => (i % 2 === 0 ? small : empty),
      async () => {},
    );
    expect(memory.usedBytes).toBeLessThanOrEqual(10 * 64);
  }
});
