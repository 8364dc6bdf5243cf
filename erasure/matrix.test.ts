import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inverse, multiply, power } from "./field.ts";
import { invert, parityMatrix, recover, sourcesOf, times } from "./matrix.ts";
import { parseScheme, schemeOf } from "./scheme.ts";

const { matrices } = JSON.parse(
  readFileSync(join(import.meta.dirname, "../test/vectors/rs/rs.json"), "utf8"),
) as { matrices: { k: number; m: number; parityRows: string[] }[] };

/** Product in GF(2^8) by its definition: carry-less, bit by bit. */
function multiplySlowly(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product <<= 1;
    if (product > 255) product ^= 0x11d;
    if ((b >> bit) & 1) product ^= a;
  }
  return product;
}

test("the field agrees with its definition", () => {
  for (let a = 0; a < 256; a++) {
    for (let b = 0; b < 256; b++) expect(multiply(a, b)).toBe(multiplySlowly(a, b));
    if (a > 0) expect(multiply(a, inverse(a))).toBe(1);
    let expected = 1;
    for (let n = 0; n < 300; n++, expected = multiplySlowly(expected, a))
      expect(power(a, n)).toBe(expected);
  }
});

test.each(matrices)("the parity rows of $k+$m are those of the vectors", ({ k, m, parityRows }) => {
  const rows = parityMatrix(schemeOf(k, m));
  expect(rows.map((row) => Buffer.from(row).toString("hex"))).toEqual(parityRows);
});

test("a matrix times its inverse is the identity; a singular one is refused", () => {
  const matrix = [Uint8Array.of(0, 2, 3), Uint8Array.of(4, 5, 6), Uint8Array.of(7, 8, 10)];
  const identity = matrix.map((row) => [...times(row, invert(matrix))]);
  expect(identity).toEqual([
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]);
  expect(() => invert([Uint8Array.of(1, 2), Uint8Array.of(2, 4)])).toThrow("can be inverted");
});

test("a recovery reads all data that is there and only as many parities as are needed", () => {
  const scheme = schemeOf(4, 3);
  expect(sourcesOf(scheme, [1, 4])).toEqual([0, 2, 3, 5]);
  expect(sourcesOf(scheme, [])).toEqual([0, 1, 2, 3]);
  const parity = parityMatrix(scheme);
  expect(recover(scheme, parity, [5], [5]).rows).toEqual([parity[1]]);
  expect(() => sourcesOf(scheme, [0, 1, 2, 3])).toThrow(
    "3 pieces are given; 4+3 needs 4: 4 are missing, at most 3 may be",
  );
});

test("schemes are read and checked", () => {
  expect(parseScheme("10+4")).toEqual({ data: 10, parity: 4 });
  expect(schemeOf(255, 1)).toEqual({ data: 255, parity: 1 });
  expect(() => schemeOf(0, 2)).toThrow("k (data pieces) is 0; give a whole number of at least 1");
  expect(() => schemeOf(4, 0)).toThrow("m (parity pieces) is 0");
  expect(() => schemeOf(1.5, 1)).toThrow("k (data pieces) is 1.5");
  expect(() => schemeOf(200, 57)).toThrow("200+57 are 257 pieces; GF(2^8) has room for 256");
  for (const text of ["", "4", "4+", "+2", "4+2+1", "4-2", "x", "1e1+2", "9999+1"])
    expect(() => parseScheme(text)).toThrow("is no scheme; write data+parity, for example 4+2");
});
