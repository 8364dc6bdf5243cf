import { describe, expect, test } from "vitest";
import type { BlockId, NeedleId } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import { type Fid, type FidKind, fidName, parseFidName, suffixHash } from "./name.ts";

const fid = (block: number, needle: bigint): Fid => ({
  block: block as BlockId,
  needle: needle as NeedleId,
});

test.each([
  ["T", 101, 1n, "", "T19RETByJT1RCvBVdK"],
  ["L", 101, 1n, "", "L19RETByJT1RCvBVdK"],
  ["T", 101, 1n, ".jpg", "T19RETByJT1RXrhCrK.jpg"],
] as const)("%s of block %i and file %i with '%s' is %s", (kind, block, file, suffix, name) => {
  expect(fidName(kind, fid(block, file), suffix)).toBe(name);
  expect(parseFidName(name)).toEqual({ kind, ...fid(block, file), suffix });
});

/** The same once more, from the description of the format. */
function byTheBook({ block, needle }: Fid, suffix: string): string {
  const mask = [...Buffer.from("Taobao-incTa")];
  const high = (Number(needle >> 32n) ^ suffixHash(suffix)) >>> 0;
  const words = [block, Number(needle & 0xffffffffn), high];
  const bytes = words.flatMap((word) => [word, word >>> 8, word >>> 16, word >>> 24]);
  const bits = bytes.map((byte, i) => ((byte & 255) ^ (mask[i] ?? 0)).toString(2).padStart(8, "0"));
  const sixes = bits.join("").match(/.{6}/g) ?? [];
  const alphabet = "0JoU8EaN3xf19hIS2d.6pZRFBYurMDGw7K5m4CyXsbQjg_vTOAkcHVtzqWilnLPe";
  return sixes.map((six) => alphabet[Number.parseInt(six, 2)]).join("");
}

describe("any fid", () => {
  const random = seededRandom(8);
  const characters = "abcXYZ0123456789._-";
  const suffixOf = (length: number) =>
    Array.from(random.bytes(length), (byte) => characters[byte % characters.length]).join("");
  const cases = Array.from({ length: 2000 }, (_, i) => {
    const kind: FidKind = i % 2 === 0 ? "T" : "L";
    const block = random.bytes(4).readUInt32LE();
    return { kind, ...fid(block, random.needleId()), suffix: suffixOf(i % 9) };
  });

  test("is read as it was written, and has 18 characters that a URL leaves alone", () => {
    for (const one of cases) {
      const name = fidName(one.kind, one, one.suffix);
      expect(name.slice(2, 18)).toBe(byTheBook(one, one.suffix));
      expect(encodeURIComponent(name)).toBe(name);
      expect(name.length).toBe(18 + one.suffix.length);
      expect(parseFidName(name)).toEqual(one);
    }
  });

  test("is another needle under another suffix", () => {
    for (const one of cases) {
      const bare = fidName(one.kind, one, one.suffix).slice(0, 18);
      const found = parseFidName(`${bare}.other`);
      expect(found?.needle === one.needle).toBe(suffixHash(".other") === suffixHash(one.suffix));
    }
  });

  test("has one name only", () => {
    const names = new Set(cases.map((one) => fidName(one.kind, one).slice(1)));
    expect(names.size).toBe(cases.length);
  });
});

test.each([
  ["nothing", ""],
  ["an ordinary key", "photos/cat.jpg"],
  ["one that is too short", "T19RETByJT1RCvBVd"],
  ["another kind", "X19RETByJT1RCvBVdK"],
  ["another cluster", "T29RETByJT1RCvBVdK"],
  ["a character outside the alphabet", "T19RETByJT1RCvBV*K"],
  ["a suffix with a slash", "T19RETByJT1RCvBVdK/../x"],
  ["a suffix without end", `T19RETByJT1RCvBVdK.${"x".repeat(200)}`],
])("%s is no name of a fid", (_, name) => {
  expect(parseFidName(name)).toBeUndefined();
});

test("a suffix that cannot stand in a URL is refused", () => {
  expect(() => fidName("T", fid(1, 1n), "?a=b")).toThrow("a suffix has at most");
});
