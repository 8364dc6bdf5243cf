import { expect, test } from "vitest";
import type { BlockId } from "../base/ids.ts";
import { emptyMap } from "../rpc/cluster-map.ts";
import { firstPool, RANGE_BLOCKS } from "../rpc/pool.ts";
import { BlockIds, firstGeneration } from "./block-ids.ts";

const pool = { ...firstPool, pgNum: 1 };

test("ids of removed blocks are used again when the ranges are used up, and before a new one is taken", () => {
  const removed = new Set([5, 9]);
  const ids = new BlockIds(
    (block) => block < RANGE_BLOCKS - 2 || removed.has(block),
    (block) => removed.has(block),
  );
  const next = () => {
    const block = ids.next(emptyMap, pool, 0);
    removed.delete(block);
    return block;
  };
  expect([next(), next()]).toEqual([RANGE_BLOCKS - 2, RANGE_BLOCKS - 1]);
  expect([next(), next()]).toEqual([5, 9]);
  removed.add(7);
  // It is passed over until the next range is used up, too.
  expect([next(), next()]).toEqual([RANGE_BLOCKS, RANGE_BLOCKS + 1]);
  ids.saw((2 * RANGE_BLOCKS - 1) as BlockId, pool);
  expect(next()).toBe(7);
});

test("while many ids are in use a new range is taken at once, and the last one only at the end", () => {
  let looks = 0;
  const ids = new BlockIds(
    (block) => block < RANGE_BLOCKS,
    () => {
      looks++;
      return true;
    },
  );
  ids.saw((RANGE_BLOCKS - 1) as BlockId, pool);
  for (let block = 1; block < RANGE_BLOCKS / 2; block++) ids.counted(block as BlockId, pool);
  expect(ids.next(emptyMap, pool, 0)).toBe(RANGE_BLOCKS);
  expect(looks).toBe(0);
  const last = 0xffff;
  ids.saw((last * RANGE_BLOCKS + RANGE_BLOCKS - 1) as BlockId, pool);
  expect(ids.next(emptyMap, pool, 0)).toBeLessThan(RANGE_BLOCKS);
  expect(looks).toBeGreaterThan(0);
});

test("the next life of a block begins above what was built of the one before", () => {
  expect(firstGeneration(undefined)).toBe(1);
  expect(firstGeneration({ generation: 4 })).toBe(6);
});
