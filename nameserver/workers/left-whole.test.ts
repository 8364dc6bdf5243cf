import { expect, test } from "vitest";
import type { BlockId } from "../../base/ids.ts";
import type { Wanted } from "../block-scheme.ts";
import { LeftWhole } from "./left-whole.ts";

const block = 7 as BlockId;
const holding = { generation: 1, digest: 5n };
const cold: Wanted = { layout: "striped", scheme: { k: 4, m: 2 } };

test("a block is left as long as it holds the same and shall become the same", () => {
  const left = new LeftWhole();
  expect(left.has(block, holding, cold)).toBe(false);
  expect(left.add(block, holding, cold)).toBe(true);
  expect(left.add(block, holding, cold)).toBe(false);
  expect(left.has(block, holding, cold)).toBe(true);
  expect(left.has(block, undefined, cold)).toBe(false);
  expect(left.has(block, { ...holding, digest: 6n }, cold)).toBe(false);
  expect(left.has(block, { ...holding, generation: 2 }, cold)).toBe(false);
  // Its pool has that scheme itself now: whatever room it takes.
  expect(left.has(block, holding, { ...cold, padded: true })).toBe(false);
});
