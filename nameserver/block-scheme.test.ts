/** What blocks become when their pool has another scheme. */
import { expect, test } from "vitest";
import type { PoolScheme } from "../rpc/pool.ts";
import { otherLayout } from "./block-scheme.ts";

const s = (k: number, m: number): PoolScheme => ({ k, m });
const stripes = (k: number, m: number) => ({ layout: "striped", scheme: s(k, m) }) as const;
const cold = { scheme: s(6, 2), afterMs: 5 };

test.each([
  ["split, as the pool", { scheme: s(4, 2) }, { scheme: s(4, 2) }, undefined],
  ["split, wider", { scheme: s(4, 2) }, { scheme: s(6, 3) }, { ...stripes(6, 3), padded: true }],
  ["split, whole", { scheme: s(4, 2) }, { scheme: s(1, 2) }, { layout: "whole", scheme: s(1, 2) }],
  ["whole, cut", { scheme: s(1, 2) }, { scheme: s(4, 2) }, { ...stripes(4, 2), padded: true }],
  ["one copy, cut", {}, { scheme: s(4, 2) }, { ...stripes(4, 2), padded: true }],
  ["whole, more copies", { scheme: s(1, 1) }, { scheme: s(1, 2) }, undefined],
  ["whole, not cold yet", { scheme: s(1, 2) }, { scheme: s(1, 2), cold }, undefined],
  ["stripes, as the pool", stripes(4, 2), { scheme: s(4, 2) }, undefined],
  ["stripes, wider", stripes(4, 2), { scheme: s(6, 3) }, { ...stripes(6, 3), padded: true }],
  ["cold, as set", stripes(6, 2), { scheme: s(1, 2), cold }, undefined],
  ["cold, set anew", stripes(4, 2), { scheme: s(1, 2), cold }, { ...stripes(6, 2), padded: true }],
  ["cold no more", stripes(4, 2), { scheme: s(1, 2) }, { layout: "whole", scheme: s(1, 2) }],
])("%s", (_, block, pool, expected) => {
  expect(otherLayout(block, pool)).toEqual(expected);
});
