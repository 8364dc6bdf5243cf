/**
 * Where the needles of one block are, without an object for any of them: four parallel u32 arrays
 * (id high, id low, offset / 8, length). An open block's are a hash table, a sealed block's are
 * sorted by id and searched by interpolation, which random ids make almost direct.
 *
 * A removed needle keeps its place with offset 0, which no needle has.
 */
import type { NeedleId } from "../base/ids.ts";
import { recordBytes } from "./record.ts";

/** Rows in no particular order; `offset8[i] === 0` is a removed one. */
export interface IndexRows {
  readonly count: number;
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  readonly offset8: Uint32Array;
  readonly lengths: Uint32Array;
}

export function emptyRows(count: number): IndexRows {
  const column = () => new Uint32Array(count);
  return { count, high: column(), low: column(), offset8: column(), lengths: column() };
}

/** Length in the unused rows of a hash table; no needle is this long. */
const UNUSED = 0xffffffff;

const highOf = (needle: NeedleId) => Number(needle >> 32n);
const lowOf = (needle: NeedleId) => Number(needle & 0xffffffffn);

export interface Place {
  readonly offset: number;
  readonly lengthBytes: number;
}

export class NeedleIndex {
  #rows: IndexRows;
  /** Rows in use: for a hash table fewer than its room. */
  #used: number;
  #sorted: boolean;
  #live = 0;
  #liveBytes = 0;
  #digestHigh = 0;
  #digestLow = 0;

  private constructor(rows: IndexRows, sorted: boolean) {
    this.#rows = rows;
    this.#sorted = sorted;
    this.#used = sorted ? rows.count : 0;
    if (sorted) for (let i = 0; i < rows.count; i++) if (rows.offset8[i] !== 0) this.#count(i, 1);
  }

  /** An index to add to. */
  static open(): NeedleIndex {
    const rows = emptyRows(64);
    rows.lengths.fill(UNUSED);
    return new NeedleIndex(rows, false);
  }

  /** An index over rows that are sorted by id; it keeps the arrays. */
  static sorted(rows: IndexRows): NeedleIndex {
    return new NeedleIndex(rows, true);
  }

  /** An index to add to, with these rows in it. */
  static openWith(rows: IndexRows): NeedleIndex {
    const index = NeedleIndex.open();
    for (let i = 0; i < rows.count; i++)
      index.#insert(at(rows.high, i), at(rows.low, i), at(rows.offset8, i), at(rows.lengths, i));
    return index;
  }

  /** Live needles. */
  get live(): number {
    return this.#live;
  }

  /** Bytes of the records of live needles. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  /** XOR of the live ids. */
  get digest(): bigint {
    return (BigInt(this.#digestHigh >>> 0) << 32n) | BigInt(this.#digestLow >>> 0);
  }

  find(needle: NeedleId): Place | undefined {
    const row = this.#row(highOf(needle), lowOf(needle));
    const offset8 = row < 0 ? 0 : at(this.#rows.offset8, row);
    if (offset8 === 0) return undefined;
    return { offset: offset8 * 8, lengthBytes: at(this.#rows.lengths, row) };
  }

  /** True for a live needle and for a removed one: its id is not to be used again. */
  knows(needle: NeedleId): boolean {
    return this.#row(highOf(needle), lowOf(needle)) >= 0;
  }

  /** Adds a needle, or moves it. A sorted index becomes a hash table again. */
  add(needle: NeedleId, offset: number, lengthBytes: number): void {
    if (this.#sorted) this.#unsort();
    this.#insert(highOf(needle), lowOf(needle), offset / 8, lengthBytes);
  }

  /** Removes a needle; of one that was never here it is known from now on that it was removed. */
  remove(needle: NeedleId): void {
    const row = this.#row(highOf(needle), lowOf(needle));
    if (row < 0) this.add(needle, 0, 0);
    if (row < 0 || at(this.#rows.offset8, row) === 0) return;
    this.#count(row, -1);
    this.#rows.offset8[row] = 0;
  }

  /** Turns a hash table into the smaller sorted form. */
  sort(): void {
    this.#rows = this.sortedRows();
    this.#used = this.#rows.count;
    this.#sorted = true;
  }

  /** All rows, removed ones too, sorted by id. A sorted index gives its own arrays. */
  sortedRows(): IndexRows {
    if (this.#sorted) return this.#rows;
    const ids = new BigUint64Array(this.#used);
    let next = 0;
    for (let row = 0; row < this.#rows.count; row++)
      if (this.#inUse(row)) ids[next++] = idOf(this.#rows, row);
    ids.sort();
    const sorted = emptyRows(this.#used);
    ids.forEach((id, i) => {
      const row = this.#row(highOf(id as NeedleId), lowOf(id as NeedleId));
      sorted.high[i] = at(this.#rows.high, row);
      sorted.low[i] = at(this.#rows.low, row);
      sorted.offset8[i] = at(this.#rows.offset8, row);
      sorted.lengths[i] = at(this.#rows.lengths, row);
    });
    return sorted;
  }

  /**
   * Needles that are live at the call's first step and whose records stand at `from` or behind, in
   * the file's order. The caller may wait between two: what is added meanwhile is not among them.
   */
  *inFileOrder(from: number): Generator<Place & { readonly needle: NeedleId }> {
    // An index that grows or is sorted meanwhile has other rows, and leaves these as they are.
    const rows = this.#rows;
    const order = new BigUint64Array(this.#live);
    let count = 0;
    rows.offset8.forEach((offset8, row) => {
      if (offset8 !== 0 && offset8 * 8 >= from)
        order[count++] = (BigInt(offset8) << 32n) | BigInt(row);
    });
    for (const key of order.subarray(0, count).sort()) {
      const row = Number(key & 0xffffffffn);
      const offset = Number(key >> 32n) * 8;
      yield { needle: idOf(rows, row), offset, lengthBytes: at(rows.lengths, row) };
    }
  }

  /** Ids of live needles, in no particular order. */
  *needles(): Generator<NeedleId> {
    const rows = this.#rows;
    for (let row = 0; row < rows.count; row++)
      if (at(rows.offset8, row) !== 0) yield idOf(rows, row);
  }

  /** The live needle whose record stands at `offset`. Looks at every row. */
  needleAt(
    offset: number,
  ): { readonly needle: NeedleId; readonly lengthBytes: number } | undefined {
    if (offset === 0) return undefined;
    const row = this.#rows.offset8.indexOf(offset / 8);
    if (row < 0) return undefined;
    return { needle: idOf(this.#rows, row), lengthBytes: at(this.#rows.lengths, row) };
  }

  #unsort(): void {
    const open = NeedleIndex.openWith(this.#rows);
    this.#rows = open.#rows;
    this.#used = open.#used;
    this.#sorted = false;
  }

  #count(row: number, sign: 1 | -1): void {
    this.#live += sign;
    this.#liveBytes += sign * recordBytes(at(this.#rows.lengths, row));
    this.#digestHigh ^= at(this.#rows.high, row);
    this.#digestLow ^= at(this.#rows.low, row);
  }

  #inUse(row: number): boolean {
    return at(this.#rows.lengths, row) !== UNUSED;
  }

  #row(high: number, low: number): number {
    return this.#sorted ? interpolate(this.#rows, high, low) : this.#probe(high, low);
  }

  /** The row of the id in the hash table, or -1 - the row where it would go. */
  #probe(high: number, low: number): number {
    const mask = this.#rows.count - 1;
    let row = Math.imul(high ^ low, 0x9e3779b1) >>> 0;
    for (row &= mask; this.#inUse(row); row = (row + 1) & mask)
      if (this.#rows.high[row] === high && this.#rows.low[row] === low) return row;
    return -1 - row;
  }

  #insert(high: number, low: number, offset8: number, lengthBytes: number): void {
    let row = this.#probe(high, low);
    if (row >= 0) {
      if (at(this.#rows.offset8, row) !== 0) this.#count(row, -1);
    } else {
      if (this.#used * 4 >= this.#rows.count * 3) {
        this.#grow();
        row = this.#probe(high, low);
      }
      row = -1 - row;
      this.#used++;
    }
    this.#rows.high[row] = high;
    this.#rows.low[row] = low;
    this.#rows.offset8[row] = offset8;
    this.#rows.lengths[row] = lengthBytes;
    if (offset8 !== 0) this.#count(row, 1);
  }

  #grow(): void {
    const old = this.#rows;
    this.#rows = emptyRows(old.count * 2);
    this.#rows.lengths.fill(UNUSED);
    for (let i = 0; i < old.count; i++) {
      if (at(old.lengths, i) === UNUSED) continue;
      const row = -1 - this.#probe(at(old.high, i), at(old.low, i));
      this.#rows.high[row] = at(old.high, i);
      this.#rows.low[row] = at(old.low, i);
      this.#rows.offset8[row] = at(old.offset8, i);
      this.#rows.lengths[row] = at(old.lengths, i);
    }
  }
}

function idOf({ high, low }: IndexRows, row: number): NeedleId {
  return ((BigInt(at(high, row)) << 32n) | BigInt(at(low, row))) as NeedleId;
}

function at(column: Uint32Array, row: number): number {
  return column[row] ?? 0;
}

/** Row of a needle in rows sorted by id, or -1. */
export const rowOf = (rows: IndexRows, needle: NeedleId): number =>
  interpolate(rows, highOf(needle), lowOf(needle));

function interpolate(rows: IndexRows, high: number, low: number): number {
  let first = 0;
  let last = rows.count - 1;
  // Ids that are not random would make guesses bad: after a few, halve instead.
  for (let guesses = 0; first <= last; guesses++) {
    const from = at(rows.high, first);
    const to = at(rows.high, last);
    if (high < from || high > to) return -1;
    const share = guesses < 8 && to > from ? (high - from) / (to - from) : 0.5;
    const row = first + Math.floor((last - first) * share);
    const order = at(rows.high, row) - high || at(rows.low, row) - low;
    if (order === 0) return row;
    if (order < 0) first = row + 1;
    else last = row - 1;
  }
  return -1;
}
