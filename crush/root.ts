/**
 * C's `pow(x, 1.0 / n)`, which straw lengths are made of. Engines differ in the last bit of
 * `Math.pow`, and one bit is enough to move data when a length is close to a whole number, so the
 * engine's value is refined once with twice the precision.
 */

/** A sum of two numbers that carries 106 bits: `high` rounded, `low` the rest. */
interface Double {
  readonly high: number;
  readonly low: number;
}

/** The exact product of two numbers (Dekker). */
function product(a: number, b: number): Double {
  const high = a * b;
  const [aHigh, aLow] = split(a);
  const [bHigh, bLow] = split(b);
  return { high, low: aHigh * bHigh - high + aHigh * bLow + aLow * bHigh + aLow * bLow };
}

function split(a: number): [number, number] {
  const scaled = a * 134217729;
  const high = scaled - (scaled - a);
  return [high, a - high];
}

function multiply(a: Double, b: Double): Double {
  const exact = product(a.high, b.high);
  const low = exact.low + (a.high * b.low + a.low * b.high);
  const high = exact.high + low;
  return { high, low: low - (high - exact.high) };
}

function power(base: number, exponent: number): Double {
  let result: Double = { high: 1, low: 0 };
  let square: Double = { high: base, low: 0 };
  for (let left = exponent; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = multiply(result, square);
    square = multiply(square, square);
  }
  return result;
}

/** `pow(x, 1.0 / n)` for x ≥ 1 and n ≥ 1, correctly rounded but for the rarest ties. */
export function nthRoot(x: number, n: number): number {
  if (x === 1 || n === 1) return x;
  const exponent = 1 / n;
  const guess = x ** exponent;
  const guessed = power(guess, n);
  // Newton's step towards the n-th root, relative to the guess …
  const newton = (x - guessed.high - guessed.low) / guessed.high / n;
  // … and what it takes that `exponent` is not quite 1/n.
  const back = product(exponent, n);
  const rounding = ((back.high - 1 + back.low) / n) * Math.log(x);
  return guess + guess * (newton + rounding);
}
