/**
 * Reading words of a text map. Ceph's grammar has no tokens: blanks may stand between any two
 * words and are needed only where two words would run together (`device0osd.0` is a device).
 * A word that does not match leaves the position where it was.
 */
import { QuarryError } from "../../base/errors.ts";

export interface Scanner {
  /** The text without comments. */
  readonly text: string;
  at: number;
  /** The furthest place where something was missing, for the error message. */
  furthest: number;
  missing: string;
}

export function scan(text: string): Scanner {
  return { text: text.replace(/#[^\n]*/g, ""), at: 0, furthest: 0, missing: "" };
}

const blank = /\s*/y;

function skipBlanks(scanner: Scanner): void {
  blank.lastIndex = scanner.at;
  blank.test(scanner.text);
  scanner.at = blank.lastIndex;
}

function match(scanner: Scanner, pattern: RegExp, what: string): string | undefined {
  const start = scanner.at;
  skipBlanks(scanner);
  pattern.lastIndex = scanner.at;
  const found = pattern.exec(scanner.text)?.[0];
  if (found !== undefined && found !== "") {
    scanner.at = pattern.lastIndex;
    return found;
  }
  note(scanner, what);
  scanner.at = start;
  return undefined;
}

function note(scanner: Scanner, what: string): void {
  if (scanner.at < scanner.furthest) return;
  scanner.furthest = scanner.at;
  scanner.missing = what;
}

/** True, and past it, when the given word comes next. */
export function word(scanner: Scanner, expected: string): boolean {
  const start = scanner.at;
  skipBlanks(scanner);
  if (scanner.text.startsWith(expected, scanner.at)) {
    scanner.at += expected.length;
    return true;
  }
  note(scanner, `"${expected}"`);
  scanner.at = start;
  return false;
}

/** The first of the given words that comes next. */
export function oneOf<T extends string>(scanner: Scanner, ...words: readonly T[]): T | undefined {
  return words.find((each) => word(scanner, each));
}

const namePattern = /[A-Za-z0-9_.-]+/y;
const naturalPattern = /[0-9]+/y;
const negativePattern = /-[0-9]+/y;
const integerPattern = /-?[0-9]+/y;
const realPattern = /[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?/y;
const exponentCutOff = /[eE]/y;

export const name = (scanner: Scanner) => match(scanner, namePattern, "a name");
export const natural = (scanner: Scanner) => int32(match(scanner, naturalPattern, "a number"));
export const negative = (scanner: Scanner) =>
  int32(match(scanner, negativePattern, "a negative number"));
export const integer = (scanner: Scanner) => int32(match(scanner, integerPattern, "a number"));

/** A decimal number, as written. */
export function real(scanner: Scanner): string | undefined {
  const start = scanner.at;
  const found = match(scanner, realPattern, "a number");
  exponentCutOff.lastIndex = scanner.at;
  if (found === undefined || !exponentCutOff.test(scanner.text)) return found;
  // "1e" is no number.
  scanner.at = start;
  note(scanner, "a number");
  return undefined;
}

/** As C reads an int: the low 32 bits of a 64-bit integer that stops at its limits. */
function int32(digits: string | undefined): number | undefined {
  if (digits === undefined) return undefined;
  const sign = digits.startsWith("-") ? -1 : 1;
  const magnitude = digits.replace(/^-?0*/, "");
  if (tooLong(magnitude)) return sign === 1 ? -1 : 0;
  let value = 0;
  for (const digit of magnitude) value = (Math.imul(value, 10) + Number(digit)) | 0;
  return Math.imul(value, sign);
}

function tooLong(digits: string): boolean {
  const most = "9223372036854775807";
  return digits.length > most.length || (digits.length === most.length && digits > most);
}

/** Reads as many as come. */
export function many<T>(scanner: Scanner, one: (scanner: Scanner) => T | undefined): T[] {
  const found: T[] = [];
  for (let next = tried(scanner, one); next !== undefined; next = tried(scanner, one))
    found.push(next);
  return found;
}

/** Reads one, or steps back. */
export function tried<T>(
  scanner: Scanner,
  one: (scanner: Scanner) => T | undefined,
): T | undefined {
  const start = scanner.at;
  const found = one(scanner);
  if (found === undefined) scanner.at = start;
  return found;
}

/** An error that names the line where reading stopped. */
export function syntaxError(scanner: Scanner): QuarryError {
  const line = scanner.text.slice(0, scanner.furthest).split("\n").length;
  const near = scanner.text.slice(scanner.furthest).split("\n")[0]?.trim() ?? "";
  const found = near === "" ? "the line ends" : `"${near.slice(0, 60)}" stands there`;
  return new QuarryError("InvalidArgument", `line ${line}: ${scanner.missing} expected, ${found}`);
}
