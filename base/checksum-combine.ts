/**
 * The CRC of two runs of bytes from the CRC of each: crc(ab) = crc(a)·x^(8·len b) + crc(b), in the
 * field of the reflected polynomial. For CRCs with all ones in and out these terms cancel.
 * Values are big-endian bytes; arithmetic is on BigInt, once for each part of an upload.
 */

export interface CrcField {
  readonly bits: bigint;
  /** Reflected, without its leading term. */
  readonly polynomial: bigint;
  /** The CRC of no bytes. */
  readonly zero: Buffer;
  /** squares[i] = x^(8·2^i). */
  readonly squares: readonly bigint[];
}

/** Lengths are below 2^53. */
const LENGTH_BITS = 53;

function fieldOf(bits: bigint, polynomial: bigint): CrcField {
  const zero = Buffer.alloc(Number(bits / 8n));
  const squares: bigint[] = [];
  let square = 1n << (bits - 1n - 8n);
  for (let i = 0; i < LENGTH_BITS; i++) {
    squares.push(square);
    square = multiply({ bits, polynomial }, square, square);
  }
  return { bits, polynomial, zero, squares };
}

export const crc32Field = fieldOf(32n, 0xedb88320n);
export const crc32cField = fieldOf(32n, 0x82f63b78n);
export const crc64Field = fieldOf(64n, 0x9a6c9329ac4bc9b5n);

/** a·b modulo the polynomial; the highest bit is the term x^0. */
function multiply(field: Pick<CrcField, "bits" | "polynomial">, a: bigint, b: bigint): bigint {
  let product = 0n;
  let shifted = b;
  for (let bit = 1n << (field.bits - 1n); bit !== 0n; bit >>= 1n) {
    if ((a & bit) !== 0n) product ^= shifted;
    shifted = (shifted & 1n) === 0n ? shifted >> 1n : (shifted >> 1n) ^ field.polynomial;
  }
  return product;
}

/** x^(8·bytes), from the squares that its binary digits name. */
function shiftOf(field: CrcField, bytes: number): bigint {
  let power = 1n << (field.bits - 1n);
  for (let i = 0, left = bytes; left > 0; i++, left = Math.floor(left / 2))
    if (left % 2 === 1) power = multiply(field, power, field.squares[i] ?? 0n);
  return power;
}

/** The CRC of the bytes of `first` followed by the `secondBytes` bytes of `second`. */
export function combineCrc(
  field: CrcField,
  first: Buffer,
  second: Buffer,
  secondBytes: number,
): Buffer {
  const shifted = multiply(field, numberOf(first), shiftOf(field, secondBytes));
  const out = (shifted ^ numberOf(second)).toString(16).padStart(Number(field.bits / 4n), "0");
  return Buffer.from(out, "hex");
}

function numberOf(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString("hex")}`);
}
