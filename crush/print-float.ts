/** Numbers as C++ streams print floats: six significant digits, no zeros at the end. */

const DIGITS = 6;

export function printFloat(value: number): string {
  if (value === 0) return "0";
  const rounded = roundHalfEven(value);
  const exponent = Math.floor(Math.log10(Math.abs(Number(rounded))));
  const [mantissa = "", power = ""] = rounded.split("e");
  if (power !== "" || exponent < -4 || exponent >= DIGITS) {
    const [digits = "", e = "0"] = Number(rounded)
      .toExponential(DIGITS - 1)
      .split("e");
    const places = Math.abs(Number(e)).toString().padStart(2, "0");
    return `${withoutZeros(digits)}e${Number(e) < 0 ? "-" : "+"}${places}`;
  }
  return withoutZeros(mantissa);
}

/** `toPrecision` rounds halves up; C rounds exact halves to even. */
function roundHalfEven(value: number): string {
  const usual = value.toPrecision(DIGITS);
  const exact = value.toPrecision(100);
  const [digits = ""] = exact.replace("-", "").replace(".", "").replace(/^0+/, "").split("e");
  if (!/^50*$/.test(digits.slice(DIGITS)) || Number(digits[DIGITS - 1]) % 2 === 1) return usual;
  return truncated(value).toPrecision(DIGITS);
}

/** `value` cut after six significant digits. */
function truncated(value: number): number {
  const [mantissa = "", exponent = "0"] = value.toExponential(60).split("e");
  const sign = mantissa.startsWith("-") ? 1 : 0;
  return Number(`${mantissa.slice(0, sign + DIGITS + 1)}e${exponent}`);
}

const withoutZeros = (digits: string): string =>
  digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
