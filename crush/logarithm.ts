/**
 * The 16-bit logarithm of straw2: for u = 0 … 65535 about 2^44 · log2(u + 1), minus 2^48, so that
 * every value is negative and grows towards 0 with u.
 *
 * Ceph computes it for every draw in 64-bit integers. Here all 65,536 values are made once; they
 * stay below 2^53 and are therefore exact as numbers.
 */
import { COARSE, FINE } from "./logarithm-tables.ts";

const TWO_24 = 2 ** 24;

/** Ceil of 2^55 / (128 + k): the reciprocal that brings a number into the fine table's range. */
function reciprocal(k: number): number {
  const divisor = 128 + k;
  const rest = 2 ** 55 % divisor;
  return (2 ** 55 - rest) / divisor + (rest === 0 ? 0 : 1);
}

/** Low byte of x · 2^48 / …, the part of `x` that the coarse table does not cover. */
function fineIndex(x: number, inverse: number): number {
  const high = Math.floor(inverse / TWO_24);
  const low = inverse % TWO_24;
  return Math.floor((x * high + Math.floor((x * low) / TWO_24)) / TWO_24) & 0xff;
}

/** `crush_ln` of Ceph: 2^44 · log2(u + 1) by tables, errors included. */
export function fixedLog(u: number): number {
  let x = u + 1;
  let exponent = 15;
  // Bring x into 2^15 … 2^16; 65,536 itself stays.
  while ((x & 0x18000) === 0) {
    x <<= 1;
    exponent--;
  }
  const k = (x >> 8) - 128;
  const fraction = (COARSE[k] ?? 0) + (FINE[fineIndex(x, reciprocal(k))] ?? 0);
  return exponent * 2 ** 44 + Math.floor(fraction / 16);
}

/** For each 16-bit hash the numerator of its straw2 draw, in -2^48 … 0. */
export const drawNumerators: Float64Array = Float64Array.from(
  { length: 65536 },
  (_, u) => fixedLog(u) - 2 ** 48,
);
