import { expect, test } from "vitest";
import { PrefixSums } from "./prefix-sums.ts";

function sums(base: string, depth: number, keys: readonly string[]): string[] {
  const out: string[] = [];
  const all = new PrefixSums(base, depth, ({ prefix, bytes, objects }) =>
    out.push(`${prefix} ${bytes} ${objects}`),
  );
  for (const key of keys) all.add(key, 10);
  all.end();
  return out;
}

const keys = ["a/1", "a/b/1", "a/b/2", "a/c/d/1", "z"];

test("the whole alone, and prefixes down to the depth asked for, inner ones first", () => {
  expect(sums("", 0, keys)).toEqual([" 50 5"]);
  expect(sums("", 1, keys)).toEqual(["a/ 40 4", " 50 5"]);
  expect(sums("", 2, keys)).toEqual(["a/b/ 20 2", "a/c/ 10 1", "a/ 40 4", " 50 5"]);
});

test("levels are counted below the prefix that was asked for", () => {
  expect(sums("a/", 1, keys.slice(0, 4))).toEqual(["a/b/ 20 2", "a/c/ 10 1", "a/ 40 4"]);
  expect(sums("a/", 0, [])).toEqual(["a/ 0 0"]);
  expect(sums("", 3, ["//x", "/y"])).toEqual(["// 10 1", "/ 20 2", " 20 2"]);
});
