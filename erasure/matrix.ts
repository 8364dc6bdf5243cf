/**
 * Matrices over GF(2^8), and the two that coding needs: how parity comes from data, and how lost
 * pieces come from k others.
 *
 * The code is that of Backblaze's JavaReedSolomon and klauspost/reedsolomon: row r, column c of the
 * Vandermonde matrix is r^c; multiplied by the inverse of its top square, its first k rows become
 * the identity (so data is stored as it is) and the rest give the parities. Any k rows of it can be
 * inverted, hence any square part of the parity rows, too.
 */
import { assert, QuarryError } from "../base/errors.ts";
import { inverse, multiply, power } from "./field.ts";
import { pieceCount, type Scheme, showScheme } from "./scheme.ts";

export type Row = Uint8Array;
/** Rows of equal length. */
export type Matrix = readonly Row[];

/** The m parity rows (k coefficients each). */
export function parityMatrix(scheme: Scheme): Matrix {
  const vandermonde = Array.from({ length: pieceCount(scheme) }, (_, r) =>
    Uint8Array.from({ length: scheme.data }, (_, c) => power(r, c)),
  );
  const top = invert(vandermonde.slice(0, scheme.data));
  return vandermonde.slice(scheme.data).map((row) => times(row, top));
}

/** Gauss-Jordan elimination. The matrix must be regular. */
export function invert(matrix: Matrix): Matrix {
  const size = matrix.length;
  const work = matrix.map((row, r) => {
    const wide = new Uint8Array(2 * size);
    wide.set(row);
    wide[size + r] = 1;
    return wide;
  });
  for (let column = 0; column < size; column++) {
    const found = work.findIndex((row, r) => r >= column && row[column] !== 0);
    const pivot = work[found];
    const here = work[column];
    assert(pivot !== undefined && here !== undefined, "the matrix can be inverted");
    work[found] = here;
    work[column] = pivot;
    scale(pivot, inverse(pivot[column] ?? 0));
    for (const row of work) if (row !== pivot) addScaled(row, row[column] ?? 0, pivot);
  }
  return work.map((row) => row.slice(size));
}

/** row × matrix */
export function times(row: Row, matrix: Matrix): Row {
  const product = new Uint8Array(matrix[0]?.length ?? 0);
  matrix.forEach((other, i) => {
    addScaled(product, row[i] ?? 0, other);
  });
  return product;
}

/** Pieces computed from other pieces: target r = sum over c of rows[r][c] × source c. */
export interface Combination {
  readonly sources: readonly number[];
  readonly targets: readonly number[];
  /** One row for each target: a coefficient for each source. */
  readonly rows: Matrix;
}

/**
 * The k pieces to read when `missing` ones (ascending, each once) cannot be: all data that is there,
 * and the first parities in place of what is not. Throws `TooFewPieces` when more than m are missing.
 */
export function sourcesOf(scheme: Scheme, missing: readonly number[]): number[] {
  const given = pieceCount(scheme) - missing.length;
  if (given < scheme.data)
    throw new QuarryError(
      "TooFewPieces",
      `${given} pieces are given; ${showScheme(scheme)} needs ${scheme.data}: ` +
        `${missing.length} are missing, at most ${scheme.parity} may be`,
    );
  const lost = new Set(missing);
  return Array.from({ length: pieceCount(scheme) }, (_, i) => i)
    .filter((i) => !lost.has(i))
    .slice(0, scheme.data);
}

/**
 * How `targets` come from {@link sourcesOf} when `missing` pieces cannot be read (both ascending,
 * each once, the targets among the missing). With e data pieces missing and e parities read in their
 * place, only the e × e part of the parity rows where these meet is inverted.
 */
export function recover(
  scheme: Scheme,
  parity: Matrix,
  missing: readonly number[],
  targets: readonly number[],
): Combination {
  const k = scheme.data;
  const sources = sourcesOf(scheme, missing);
  const keptData = sources.filter((i) => i < k);
  const lostData = missing.filter((i) => i < k);
  const substitutes = sources.filter((i) => i >= k).map((i) => rowOf(parity, i - k));
  // lost = inverse × (substitutes - what the kept data gave to them); over GF(2^8) minus is plus
  const solved = invert(substitutes.map((row) => pick(row, lostData)));
  const fromKept = substitutes.map((row) => pick(row, keptData));
  const lostRows = solved.map((row) => Uint8Array.from([...times(row, fromKept), ...row]));
  const rows = targets.map((target) => {
    if (target < k) return rowOf(lostRows, lostData.indexOf(target));
    const row = rowOf(parity, target - k);
    const sum = new Uint8Array(k);
    sum.set(pick(row, keptData));
    addScaled(sum, 1, times(pick(row, lostData), lostRows));
    return sum;
  });
  return { sources, targets, rows };
}

const pick = (row: Row, columns: readonly number[]): Row =>
  Uint8Array.from(columns, (column) => row[column] ?? 0);

function rowOf(matrix: Matrix, index: number): Row {
  const row = matrix[index];
  assert(row !== undefined, "the matrix has this row");
  return row;
}

function scale(row: Row, factor: number): void {
  for (let i = 0; i < row.length; i++) row[i] = multiply(row[i] ?? 0, factor);
}

/** row += factor × other */
function addScaled(row: Row, factor: number, other: Row): void {
  if (factor === 0) return;
  for (let i = 0; i < row.length; i++) row[i] = (row[i] ?? 0) ^ multiply(factor, other[i] ?? 0);
}
