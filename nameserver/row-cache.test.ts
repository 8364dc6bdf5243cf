import { expect, test } from "vitest";
import { keys } from "./keyspace.ts";
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
    await state.write(changes);
    cache.saw(changes);
  };
  expect(cache.get(key)).toBeUndefined();
  await write(1);
  expect(cache.get(key)).toEqual({ buckets: 1 });
  expect(cache.get(key)).toBe(cache.get(key));
  await write(2);
  expect(cache.get(key)).toEqual({ buckets: 2 });
  await write(undefined);
  expect(cache.get(key)).toBeUndefined();
  expect(reads).toBe(1);
});
