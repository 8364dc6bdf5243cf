import { expect, test } from "vitest";
import { keys, type RowKey } from "./keyspace.ts";
import { RowCache } from "./row-cache.ts";
import { encodeRow } from "./row-codec.ts";
import { MemoryState } from "./state-memory.ts";

test("a row is decoded once, and anew after every change", async () => {
  const state = new MemoryState();
  let reads = 0;
  const cache = new RowCache({
    get: (key) => {
      reads++;
      return state.get(key);
    },
    range: (from, to) => state.range(from, to),
  });
  const key = keys.owner("ada");
  const keyBytes = Buffer.from(key, "latin1");
  const write = async (buckets: number | undefined) => {
    const value = buckets === undefined ? undefined : encodeRow(keyBytes, { buckets });
    const changes = [{ key, keyBytes, ...(value !== undefined && { value }) }];
    cache.changing(changes);
    await state.write(changes);
    cache.changed();
  };
  expect(cache.get(key)).toBeUndefined();
  await write(1);
  expect(cache.get(key)).toEqual({ buckets: 1 });
  expect(cache.get(key)).toBe(cache.get(key));
  await write(2);
  expect(cache.get(key)).toEqual({ buckets: 2 });
  await write(undefined);
  expect(cache.get(key)).toBeUndefined();
  expect(reads).toBe(4);
});

test("while a batch is written the cache tells what the state has, at every moment", async () => {
  const state = new MemoryState();
  const cache = new RowCache(state);
  const all: RowKey<unknown>[] = [keys.bucket("b"), keys.owner("ada"), keys.current(7, "a")];
  const changes = (n: number) =>
    all.map((key) => {
      const keyBytes = Buffer.from(key, "latin1");
      return { key, keyBytes, value: encodeRow(keyBytes, { n }) };
    });
  const told = () => all.flatMap((key) => [cache.get(key), cache.read(key), cache.read(key)]);
  const expectAll = (row: unknown) =>
    expect(new Set(told().map((one) => JSON.stringify(one)))).toEqual(
      new Set([JSON.stringify(row)]),
    );
  for (const n of [1, 2]) {
    cache.changing(changes(n));
    expectAll(n === 1 ? undefined : { n: 1 });
    await state.write(changes(n));
    expectAll({ n });
    cache.changed();
    expectAll({ n });
  }
});
