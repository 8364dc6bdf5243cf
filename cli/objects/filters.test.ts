import { expect, test } from "vitest";
import { type Filter, filterParser, globPattern, includesAll } from "./filters.ts";

test.each([
  ["*.jpg", "a/b.jpg", true],
  ["*.jpg", "a.jpg.txt", false],
  ["?.txt", "a.txt", true],
  ["?.txt", "ab.txt", false],
  ["[ab].txt", "b.txt", true],
  ["[!ab].txt", "b.txt", false],
  ["[!ab].txt", "c.txt", true],
  ["a+b(c).{d}", "a+b(c).{d}", true],
  ["a.b", "axb", false],
  ["[", "[", true],
  ["*\n*", "a\nb", true],
  ["?", "🙂", true],
])("%j matches %j: %s", (glob, name, matches) => {
  expect(globPattern(glob).test(name)).toBe(matches);
});

test("the last filter that matches decides; nothing typed includes all", () => {
  const filters: Filter[] = [];
  expect(includesAll(filters)("x")).toBe(true);
  filterParser(filters, false)("*");
  filterParser(filters, true)("*.jpg");
  filterParser(filters, false)("private/*");
  const includes = includesAll(filters);
  expect([includes("a.jpg"), includes("a.txt"), includes("private/a.jpg")]).toEqual([
    true,
    false,
    false,
  ]);
});
