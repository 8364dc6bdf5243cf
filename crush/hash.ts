/**
 * The hash that CRUSH rolls its dice with: Robert Jenkins' 32-bit mix (burtleburtle.net/bob/hash/
 * evahash.html), run over a fixed schedule of the inputs and two constants.
 *
 * `hash3` is the inner loop of every placement and is written out; the others follow the schedule.
 * All inputs are taken modulo 2^32. Results are signed 32-bit integers; mask or `>>> 0` as needed.
 */
const SEED = 1315423911;
const X = 231232;
const Y = 1232;

/** Registers of the scheduled form: four inputs, the two constants, and the hash itself. */
const A = 0;
const B = 1;
const C = 2;
const D = 3;
const CONST_X = 4;
const CONST_Y = 5;
const HASH = 6;
const register = new Int32Array(7);

function mix(i: number, j: number): void {
  let a = register[i] ?? 0;
  let b = register[j] ?? 0;
  let c = register[HASH] ?? 0;
  a = (a - b - c) ^ (c >>> 13);
  b = (b - c - a) ^ (a << 8);
  c = (c - a - b) ^ (b >>> 13);
  a = (a - b - c) ^ (c >>> 12);
  b = (b - c - a) ^ (a << 16);
  c = (c - a - b) ^ (b >>> 5);
  a = (a - b - c) ^ (c >>> 3);
  b = (b - c - a) ^ (a << 10);
  c = (c - a - b) ^ (b >>> 15);
  register[i] = a;
  register[j] = b;
  register[HASH] = c;
}

function load(a: number, b: number, c: number, d: number): void {
  register[A] = a;
  register[B] = b;
  register[C] = c;
  register[D] = d;
  register[CONST_X] = X;
  register[CONST_Y] = Y;
  register[HASH] = SEED ^ a ^ b ^ c ^ d;
}

/** Hash of two numbers: a PG into its CRUSH input, an input and a device for reweights. */
export function hash2(a: number, b: number): number {
  load(a, b, 0, 0);
  mix(A, B);
  mix(CONST_X, A);
  mix(B, CONST_Y);
  return register[HASH] ?? 0;
}

/** Hash of four numbers: the draws of list and tree buckets. */
export function hash4(a: number, b: number, c: number, d: number): number {
  load(a, b, c, d);
  mix(A, B);
  mix(C, D);
  mix(A, CONST_X);
  mix(CONST_Y, B);
  mix(C, CONST_X);
  mix(CONST_Y, D);
  return register[HASH] ?? 0;
}

/** Hash of three numbers, as the schedule says; the reference that {@link hash3} is tested against. */
export function scheduledHash3(a: number, b: number, c: number): number {
  load(a, b, c, 0);
  mix(A, B);
  mix(C, CONST_X);
  mix(CONST_Y, A);
  mix(B, CONST_X);
  mix(CONST_Y, C);
  return register[HASH] ?? 0;
}

/** Hash of three numbers: the draws of straw and straw2 buckets and of permutations. */
export function hash3(inputA: number, inputB: number, inputC: number): number {
  let a = inputA | 0;
  let b = inputB | 0;
  let c = inputC | 0;
  let x = X;
  let y = Y;
  let h = SEED ^ a ^ b ^ c;

  a = (a - b - h) ^ (h >>> 13);
  b = (b - h - a) ^ (a << 8);
  h = (h - a - b) ^ (b >>> 13);
  a = (a - b - h) ^ (h >>> 12);
  b = (b - h - a) ^ (a << 16);
  h = (h - a - b) ^ (b >>> 5);
  a = (a - b - h) ^ (h >>> 3);
  b = (b - h - a) ^ (a << 10);
  h = (h - a - b) ^ (b >>> 15);

  c = (c - x - h) ^ (h >>> 13);
  x = (x - h - c) ^ (c << 8);
  h = (h - c - x) ^ (x >>> 13);
  c = (c - x - h) ^ (h >>> 12);
  x = (x - h - c) ^ (c << 16);
  h = (h - c - x) ^ (x >>> 5);
  c = (c - x - h) ^ (h >>> 3);
  x = (x - h - c) ^ (c << 10);
  h = (h - c - x) ^ (x >>> 15);

  y = (y - a - h) ^ (h >>> 13);
  a = (a - h - y) ^ (y << 8);
  h = (h - y - a) ^ (a >>> 13);
  y = (y - a - h) ^ (h >>> 12);
  a = (a - h - y) ^ (y << 16);
  h = (h - y - a) ^ (a >>> 5);
  y = (y - a - h) ^ (h >>> 3);
  a = (a - h - y) ^ (y << 10);
  h = (h - y - a) ^ (a >>> 15);

  b = (b - x - h) ^ (h >>> 13);
  x = (x - h - b) ^ (b << 8);
  h = (h - b - x) ^ (x >>> 13);
  b = (b - x - h) ^ (h >>> 12);
  x = (x - h - b) ^ (b << 16);
  h = (h - b - x) ^ (x >>> 5);
  b = (b - x - h) ^ (h >>> 3);
  x = (x - h - b) ^ (b << 10);
  h = (h - b - x) ^ (x >>> 15);

  y = (y - c - h) ^ (h >>> 13);
  c = (c - h - y) ^ (y << 8);
  h = (h - y - c) ^ (c >>> 13);
  y = (y - c - h) ^ (h >>> 12);
  c = (c - h - y) ^ (y << 16);
  h = (h - y - c) ^ (c >>> 5);
  y = (y - c - h) ^ (h >>> 3);
  c = (c - h - y) ^ (y << 10);
  return (h - y - c) ^ (c >>> 15);
}
