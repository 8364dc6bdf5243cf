/**
 * GF(2^8): bytes as polynomials over GF(2) modulo x^8 + x^4 + x^3 + x^2 + 1 (0x11D). Addition is
 * XOR; the element 2 generates all others but 0, so products are sums of logarithms.
 */
import { assert } from "../base/errors.ts";

const POLYNOMIAL = 0x11d;

const log = new Uint8Array(256);
/** Powers of 2, twice over, so that a sum of two logarithms needs no reduction. */
const exp = new Uint8Array(510);
for (let power = 0, x = 1; power < 255; power++) {
  exp[power] = x;
  exp[power + 255] = x;
  log[x] = power;
  x <<= 1;
  if (x > 255) x ^= POLYNOMIAL;
}

const at = (table: Uint8Array, i: number): number => table[i] ?? 0;

export function multiply(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : at(exp, at(log, a) + at(log, b));
}

export function inverse(a: number): number {
  assert(a !== 0, "zero has no inverse");
  return at(exp, 255 - at(log, a));
}

/** a^n, with 0^0 = 1. */
export function power(a: number, n: number): number {
  if (n === 0) return 1;
  return a === 0 ? 0 : at(exp, (at(log, a) * n) % 255);
}
