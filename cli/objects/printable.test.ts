import { expect, test } from "vitest";
import { formatBytes, formatSeconds, parseDuration, parseSize, printable } from "./printable.ts";

test("names cannot write on the terminal what they like", () => {
  expect(printable("a\nb\x1b[2Jc\u202ed")).toBe("a\\x0ab\\x1b[2Jc\\u202ed");
  expect(printable("ünï 日本 🙂 \\")).toBe("ünï 日本 🙂 \\");
});

test("sizes and times", () => {
  expect([formatBytes(0), formatBytes(1023), formatBytes(1536)]).toEqual([
    "0 B",
    "1023 B",
    "1.5 KiB",
  ]);
  expect([formatSeconds(9.4), formatSeconds(61), formatSeconds(3723)]).toEqual([
    "0:09",
    "1:01",
    "1:02:03",
  ]);
  expect([parseSize("16M"), parseSize("1.5KiB"), parseSize("77")]).toEqual([16_777_216, 1536, 77]);
  expect([parseDuration("90s"), parseDuration("7d"), parseDuration("5")]).toEqual([90, 604_800, 5]);
  expect(() => parseSize("many")).toThrow();
  expect(() => parseDuration("1y")).toThrow();
});
