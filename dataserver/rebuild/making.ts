/**
 * A block that is being made anew: what is planned, what stands in the new file already, and what it has
 * cost. Every way of getting needles writes by way of this.
 */
import { QuarryError } from "../../base/errors.ts";
import type { BlockId } from "../../base/ids.ts";
import { emptyRows, NeedleIndex } from "../needle-index.ts";
import type { Pace } from "../pace.ts";
import type { RecordWriter, WholeNeedle } from "../record-writer.ts";
import type { NeedleRow } from "../records-in-place.ts";
import type { Plan } from "./plan.ts";
import type { RebuildRun } from "./rebuild.ts";

export interface MakingOptions {
  readonly plan: Plan;
  readonly writer: RecordWriter;
  readonly run: RebuildRun;
  readonly pace: Pace;
}

export class Making {
  readonly plan: Plan;
  readonly writer: RecordWriter;
  readonly block: BlockId;
  /** The piece that is made. */
  readonly piece: number;
  /** Bytes that came from sources. */
  readBytes = 0;
  readonly #run: RebuildRun;
  readonly #pace: Pace;
  /** By row: offset / 8 in the new file; 0: not there yet. */
  readonly #places: Uint32Array;
  /** Rows in the order of the new file. */
  readonly #order: Uint32Array;
  #count = 0;

  constructor({ plan, writer, run, pace }: MakingOptions) {
    this.plan = plan;
    this.writer = writer;
    this.block = run.order.block;
    this.piece = run.order.piece;
    this.#run = run;
    this.#pace = pace;
    this.#places = new Uint32Array(plan.count);
    this.#order = new Uint32Array(plan.count);
  }

  needleOf(row: number): NeedleRow {
    const { halves, lengths } = this.plan;
    const [low = 0, high = 0] = [halves[2 * row], halves[2 * row + 1]];
    return { low, high, lengthBytes: lengths[row] ?? 0 };
  }

  /** Rows in the order of the new file. */
  get order(): Uint32Array {
    return this.#order.subarray(0, this.#count);
  }

  placeOf(row: number): number {
    return (this.#places[row] ?? 0) * 8;
  }

  /** Rows that are not in the new file. */
  get left(): Uint32Array {
    const left = new Uint32Array(this.plan.count - this.#count);
    let next = 0;
    for (let row = 0; row < this.plan.count; row++) if (this.#places[row] === 0) left[next++] = row;
    return left;
  }

  /** So much came from a source. @throws QuarryError `Cancelled` when the block goes. */
  async read(bytes: number): Promise<void> {
    this.readBytes += bytes;
    await this.#pace.spend(bytes);
    this.check();
  }

  check(): void {
    const { signal, order } = this.#run;
    if (signal.aborted)
      throw new QuarryError("Cancelled", `block ${order.block} goes, or the server`);
  }

  /** The record of this row will stand at `offset` of the new file. */
  made(row: number, offset: number): void {
    this.#places[row] = offset / 8;
    this.#order[this.#count++] = row;
  }

  /** Records that were sealed for the end of the file. `written`: their memory is free. */
  async write(parts: readonly Uint8Array[], bytes: number, written: () => void): Promise<void> {
    this.writer.take(parts, bytes);
    await this.#flush(written);
  }

  /** Needles that came one by one; they stay as they are until the next call. */
  async put(needles: readonly (WholeNeedle & { readonly row: number })[]): Promise<void> {
    for (const needle of needles) {
      this.made(needle.row, this.writer.endBytes);
      this.writer.put(needle);
    }
    await this.#flush(() => undefined);
    await this.writer.written();
  }

  async #flush(written: () => void): Promise<void> {
    const { writer } = this;
    await this.#pace.spend(writer.gatheredBytes);
    await writer.flush(written);
    this.#run.needlesDone = this.#count;
    this.#run.bytesDone = writer.endBytes;
  }

  /** What the new file holds; of `removed`, ascending, it is known that they are not. */
  index(removed: BigUint64Array): NeedleIndex {
    const gone = new Uint32Array(removed.buffer, removed.byteOffset, removed.length * 2);
    const rows = emptyRows(this.#count + removed.length);
    let count = 0;
    const add = ({ low, high, lengthBytes }: NeedleRow, offset8: number) => {
      rows.low[count] = low;
      rows.high[count] = high;
      rows.offset8[count] = offset8;
      rows.lengths[count++] = lengthBytes;
    };
    let g = 0;
    const goneRow = () => ({ low: gone[2 * g] ?? 0, high: gone[2 * g + 1] ?? 0, lengthBytes: 0 });
    for (let row = 0; row < this.plan.count; row++) {
      const needle = this.needleOf(row);
      for (; g < removed.length && orderOf(goneRow(), needle) < 0; g++) add(goneRow(), 0);
      const isGone = g < removed.length && orderOf(goneRow(), needle) === 0;
      const offset8 = this.#places[row] ?? 0;
      if (offset8 !== 0 && !isGone) add(needle, offset8);
    }
    for (; g < removed.length; g++) add(goneRow(), 0);
    const { high, low, offset8, lengths } = rows;
    const cut = (column: Uint32Array) => column.subarray(0, count);
    const columns = {
      high: cut(high),
      low: cut(low),
      offset8: cut(offset8),
      lengths: cut(lengths),
    };
    return NeedleIndex.sorted({ count, ...columns });
  }
}

const orderOf = (a: NeedleRow, b: NeedleRow) => a.high - b.high || a.low - b.low;
