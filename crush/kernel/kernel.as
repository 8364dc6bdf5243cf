/**
 * The one hot loop of placement: a straw2 draw over a large bucket, eight items at a time.
 * AssemblyScript; `build.ts` assembles it. The loop in `../draw.ts` says the same for one item at a
 * time and is what this is tested against.
 *
 * Memory: at 0 the 65,536 numerators (f64, `../logarithm.ts`), then for each bucket its ids (i32)
 * and weights (f64), both padded to a multiple of eight; padding has weight 0 and never wins.
 */

const SEED: i32 = 1315423911;
const X: i32 = 231232;
const Y: i32 = 1232;

/** (a - b - c) ^ (c >>> bits), in four lanes. */
// @ts-ignore: decorator
@inline function right(a: v128, b: v128, c: v128, bits: i32): v128 {
  return v128.xor(i32x4.sub(i32x4.sub(a, b), c), i32x4.shr_u(c, bits));
}

/** (a - b - c) ^ (c << bits), in four lanes. */
// @ts-ignore: decorator
@inline function left(a: v128, b: v128, c: v128, bits: i32): v128 {
  return v128.xor(i32x4.sub(i32x4.sub(a, b), c), i32x4.shl(c, bits));
}

/** Numerators are below 0, so an item wins when its own is above `highest` times its weight. */
let winner: i32 = 0;
let highest: f64 = 0;

// @ts-ignore: decorator
@inline function judge(hash: i32, weight: usize, item: i32): void {
  const numerator = load<f64>(<usize>(hash & 0xffff) << 3);
  const w = load<f64>(weight);
  if (numerator > highest * w) {
    winner = item;
    highest = Math.ceil(numerator / w);
  }
}

/** Index of the item that wins replica `r` of input `x`; 0 when all weights are 0. */
export function draw(ids: usize, weights: usize, size: i32, x: i32, r: i32): i32 {
  winner = 0;
  highest = -Infinity;
  const seed = i32x4.splat(SEED ^ x ^ r);
  for (let i = 0; i < size; i += 8) {
    // Two groups of four, named 0 and 1, take turns: each waits for its own last step only.
    let a0 = i32x4.splat(x), a1 = a0;
    let b0 = v128.load(ids + (<usize>i << 2)), b1 = v128.load(ids + (<usize>i << 2) + 16);
    let c0 = i32x4.splat(r), c1 = c0;
    let x0 = i32x4.splat(X), x1 = x0;
    let y0 = i32x4.splat(Y), y1 = y0;
    let h0 = v128.xor(seed, b0), h1 = v128.xor(seed, b1);

    a0 = right(a0, b0, h0, 13); a1 = right(a1, b1, h1, 13);
    b0 = left(b0, h0, a0, 8); b1 = left(b1, h1, a1, 8);
    h0 = right(h0, a0, b0, 13); h1 = right(h1, a1, b1, 13);
    a0 = right(a0, b0, h0, 12); a1 = right(a1, b1, h1, 12);
    b0 = left(b0, h0, a0, 16); b1 = left(b1, h1, a1, 16);
    h0 = right(h0, a0, b0, 5); h1 = right(h1, a1, b1, 5);
    a0 = right(a0, b0, h0, 3); a1 = right(a1, b1, h1, 3);
    b0 = left(b0, h0, a0, 10); b1 = left(b1, h1, a1, 10);
    h0 = right(h0, a0, b0, 15); h1 = right(h1, a1, b1, 15);

    c0 = right(c0, x0, h0, 13); c1 = right(c1, x1, h1, 13);
    x0 = left(x0, h0, c0, 8); x1 = left(x1, h1, c1, 8);
    h0 = right(h0, c0, x0, 13); h1 = right(h1, c1, x1, 13);
    c0 = right(c0, x0, h0, 12); c1 = right(c1, x1, h1, 12);
    x0 = left(x0, h0, c0, 16); x1 = left(x1, h1, c1, 16);
    h0 = right(h0, c0, x0, 5); h1 = right(h1, c1, x1, 5);
    c0 = right(c0, x0, h0, 3); c1 = right(c1, x1, h1, 3);
    x0 = left(x0, h0, c0, 10); x1 = left(x1, h1, c1, 10);
    h0 = right(h0, c0, x0, 15); h1 = right(h1, c1, x1, 15);

    y0 = right(y0, a0, h0, 13); y1 = right(y1, a1, h1, 13);
    a0 = left(a0, h0, y0, 8); a1 = left(a1, h1, y1, 8);
    h0 = right(h0, y0, a0, 13); h1 = right(h1, y1, a1, 13);
    y0 = right(y0, a0, h0, 12); y1 = right(y1, a1, h1, 12);
    a0 = left(a0, h0, y0, 16); a1 = left(a1, h1, y1, 16);
    h0 = right(h0, y0, a0, 5); h1 = right(h1, y1, a1, 5);
    y0 = right(y0, a0, h0, 3); y1 = right(y1, a1, h1, 3);
    a0 = left(a0, h0, y0, 10); a1 = left(a1, h1, y1, 10);
    h0 = right(h0, y0, a0, 15); h1 = right(h1, y1, a1, 15);

    b0 = right(b0, x0, h0, 13); b1 = right(b1, x1, h1, 13);
    x0 = left(x0, h0, b0, 8); x1 = left(x1, h1, b1, 8);
    h0 = right(h0, b0, x0, 13); h1 = right(h1, b1, x1, 13);
    b0 = right(b0, x0, h0, 12); b1 = right(b1, x1, h1, 12);
    x0 = left(x0, h0, b0, 16); x1 = left(x1, h1, b1, 16);
    h0 = right(h0, b0, x0, 5); h1 = right(h1, b1, x1, 5);
    b0 = right(b0, x0, h0, 3); b1 = right(b1, x1, h1, 3);
    x0 = left(x0, h0, b0, 10); x1 = left(x1, h1, b1, 10);
    h0 = right(h0, b0, x0, 15); h1 = right(h1, b1, x1, 15);

    y0 = right(y0, c0, h0, 13); y1 = right(y1, c1, h1, 13);
    c0 = left(c0, h0, y0, 8); c1 = left(c1, h1, y1, 8);
    h0 = right(h0, y0, c0, 13); h1 = right(h1, y1, c1, 13);
    y0 = right(y0, c0, h0, 12); y1 = right(y1, c1, h1, 12);
    c0 = left(c0, h0, y0, 16); c1 = left(c1, h1, y1, 16);
    h0 = right(h0, y0, c0, 5); h1 = right(h1, y1, c1, 5);
    y0 = right(y0, c0, h0, 3); y1 = right(y1, c1, h1, 3);
    c0 = left(c0, h0, y0, 10); c1 = left(c1, h1, y1, 10);
    h0 = right(h0, y0, c0, 15); h1 = right(h1, y1, c1, 15);

    const weight = weights + (<usize>i << 3);
    judge(i32x4.extract_lane(h0, 0), weight, i);
    judge(i32x4.extract_lane(h0, 1), weight + 8, i + 1);
    judge(i32x4.extract_lane(h0, 2), weight + 16, i + 2);
    judge(i32x4.extract_lane(h0, 3), weight + 24, i + 3);
    judge(i32x4.extract_lane(h1, 0), weight + 32, i + 4);
    judge(i32x4.extract_lane(h1, 1), weight + 40, i + 5);
    judge(i32x4.extract_lane(h1, 2), weight + 48, i + 6);
    judge(i32x4.extract_lane(h1, 3), weight + 56, i + 7);
  }
  return winner;
}
