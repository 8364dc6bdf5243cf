/**
 * The one hot loop of `base/fold/fold.ts`: adds four runs of bytes, one behind the other in memory, to
 * a sum. Addition is that of GF(2). AssemblyScript; `build.ts` assembles it.
 */

/** sum[0, lengthBytes) += the four runs from `runs` on, `strideBytes` apart. Lengths: multiples of 32. */
export function add(sum: usize, runs: usize, strideBytes: usize, lengthBytes: usize): void {
  const end = sum + lengthBytes;
  let a = runs;
  let b = a + strideBytes;
  let c = b + strideBytes;
  let d = c + strideBytes;
  // Two vectors a turn: the loop's own steps cost as much as one.
  while (sum < end) {
    v128.store(sum, v128.xor(v128.load(sum), four(v128.load(a), v128.load(b), v128.load(c), v128.load(d))));
    v128.store(
      sum,
      v128.xor(v128.load(sum, 16), four(v128.load(a, 16), v128.load(b, 16), v128.load(c, 16), v128.load(d, 16))),
      16,
    );
    a += 32;
    b += 32;
    c += 32;
    d += 32;
    sum += 32;
  }
}

// @ts-ignore: decorator
@inline
function four(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.xor(v128.xor(a, b), v128.xor(c, d));
}
