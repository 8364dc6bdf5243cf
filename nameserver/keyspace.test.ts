import { describe, expect, test } from "vitest";
import type { VersionSequence } from "../base/ids.ts";
import { seededRandom } from "../base/random.ts";
import { KeyReader, keys, nameOf, prefixEnd, prefixOf, textPrefix, u32, u56 } from "./keyspace.ts";

const random = seededRandom(7);
const alphabet = [
  "\0",
  "\x01",
  "a",
  "b",
  "/",
  "\x7f",
  "\u00ff",
  "\u0100",
  "\ud7ff",
  "\uffff",
  "\u{10000}",
  "\u{10ffff}",
];
const text = (length: number) =>
  Array.from({ length }, () => alphabet[random.u32() % alphabet.length] ?? "").join("");
const texts = Array.from({ length: 300 }, () => text(random.u32() % 6));
const utf8 = (value: string) => Buffer.from(value, "utf8");
const sign = (a: string, b: string) => (a === b ? 0 : a < b ? -1 : 1);

describe("keyspace", () => {
  test("names stand in the order of their UTF-8 bytes, and are read back", () => {
    for (const a of texts)
      for (const b of texts.slice(0, 60)) {
        const order = sign(keys.current(1, a), keys.current(1, b));
        expect(order).toBe(Buffer.compare(utf8(a), utf8(b)));
      }
    for (const a of texts) expect(nameOf(keys.current(5, a))).toBe(a);
  });

  test("every name that begins with a prefix stands between the prefix and its end", () => {
    for (const prefix of texts.slice(0, 80))
      for (const name of texts) {
        const from = prefixOf("current", 1) + textPrefix(prefix);
        const key = keys.current(1, name);
        const inside = key >= from && key < prefixEnd(from);
        expect(inside).toBe(utf8(name).subarray(0, utf8(prefix).length).equals(utf8(prefix)));
      }
  });

  test("versions of a name stand newest first and do not mix with other names", () => {
    const version = (name: string, sequence: number) =>
      keys.version(1, name, sequence as VersionSequence);
    expect(version("a", 9) < version("a", 8)).toBe(true);
    for (const a of texts.slice(0, 50))
      for (const b of texts.slice(0, 50))
        if (Buffer.compare(utf8(a), utf8(b)) < 0)
          for (const sequence of [0, 1, 2 ** 40, 2 ** 53 - 1])
            expect(version(a, 0) < version(b, sequence)).toBe(true);
  });

  test("numbers keep their order and come back", () => {
    const numbers = [0, 1, 255, 256, 2 ** 24, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 5, 2 ** 53 - 1];
    for (const a of numbers) {
      expect(new KeyReader(u56(a), 0).u56()).toBe(a);
      for (const b of numbers) expect(sign(u56(a), u56(b))).toBe(Math.sign(a - b));
    }
    for (const a of numbers.slice(0, 6)) expect(new KeyReader(u32(a), 0).u32()).toBe(a);
  });
});
