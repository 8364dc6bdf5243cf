/**
 * Weights in text: decimals, read as C's `strtof` reads them (one rounding, to 24 bits) and
 * multiplied by 65,536 in that precision; printed with three digits.
 */
import { toUnsigned32 } from "../straw.ts";

/** 16.16 weight of a decimal, as an unsigned 32-bit integer; fractions are dropped. */
export function parseWeight(decimal: string): number {
  return toUnsigned32(Math.trunc(Math.fround(nearestFloat(decimal) * 65536)));
}

/**
 * The 32-bit float nearest to a decimal. Rounding to a 64-bit float first goes wrong only when
 * that lands exactly between two 32-bit ones; then the decimal itself decides.
 */
export function nearestFloat(decimal: string): number {
  const double = Number(decimal);
  const float = Math.fround(double);
  if (!isBetweenFloats(double)) return float;
  const magnitude = decimal.replace(/^[+-]/, "");
  const difference = compareDecimals(magnitude, Math.abs(double));
  if (difference === 0) return float;
  const nudged = double * (1 + Math.sign(difference) * 2 ** -40);
  return Math.fround(nudged);
}

const bits = new DataView(new ArrayBuffer(8));

function isBetweenFloats(double: number): boolean {
  bits.setFloat64(0, double);
  return (bits.getUint32(4) & 0x1fffffff) === 0x10000000;
}

/** Sign of `decimal` - `value`, exactly; `value` has fewer than 100 digits after the point. */
function compareDecimals(decimal: string, value: number): number {
  const [mantissa = "", exponent = "0"] = decimal.toLowerCase().split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  const places = 100 + Math.max(0, fraction.length + Math.abs(Number(exponent)));
  if (places > 400 || value >= 1e21) return 0;
  const digits = (whole + fraction).padEnd(whole.length + places, "0");
  const scaled = shifted(digits, whole.length + Number(exponent), places);
  const [exactWhole = "", exactFraction = ""] = value.toFixed(100).split(".");
  const exact = shifted(exactWhole + exactFraction, exactWhole.length, places);
  const length = Math.max(scaled.length, exact.length);
  const left = scaled.padStart(length, "0");
  const right = exact.padStart(length, "0");
  return left === right ? 0 : left < right ? -1 : 1;
}

/** Digits with the point after the first `point` of them, as an integer of units of 10^-places. */
function shifted(digits: string, point: number, places: number): string {
  const full = point < 0 ? "0".repeat(-point) + digits : digits;
  const wholeDigits = Math.max(point, 0);
  return (
    full.slice(0, wholeDigits).padEnd(wholeDigits, "0") +
    full.slice(wholeDigits).padEnd(places, "0").slice(0, places)
  );
}

/**
 * A 16.16 weight with as many digits, three at least, as it takes to be read as the same. Text reads
 * 24 bits of a weight: of larger ones the last bits are lost.
 */
export function printExactWeight(weight: number): string {
  for (let digits = 3; digits <= MOST_DIGITS; digits++) {
    const text = (Math.ceil((weight / 65_536) * 10 ** digits) / 10 ** digits).toFixed(digits);
    if (parseWeight(text) === weight) return text;
  }
  return (weight / 65_536).toFixed(MOST_DIGITS);
}

const MOST_DIGITS = 8;

/** A 16.16 weight with three digits, as Ceph prints it: read as signed, halves to even. */
export function printWeight(weight: number): string {
  const units = Math.fround(weight | 0);
  const scaled = Math.abs(units) * 1000;
  const rest = scaled % 65536;
  let thousandths = (scaled - rest) / 65536;
  if (rest > 32768 || (rest === 32768 && thousandths % 2 === 1)) thousandths++;
  const text = String(thousandths).padStart(4, "0");
  return `${units < 0 ? "-" : ""}${text.slice(0, -3)}.${text.slice(-3)}`;
}
