/**
 * The pieces of one content, in the codec's memory: k of data, then m of parity, all of one length.
 * Each starts on its own cache line and is padded to whole lines; neighbours start an odd number of
 * lines apart, so that the same column of all pieces never meets in one set of the cache.
 */
import { assert, QuarryError } from "../base/errors.ts";
import { type CodecMemory, roundUp } from "./memory.ts";

const LINE_BYTES = 64;
const ADDRESS_BYTES = 4;

/** Distance between the starts of two pieces. */
function strideOf(lengthBytes: number): number {
  const lines = roundUp(lengthBytes, LINE_BYTES) / LINE_BYTES;
  return (lines + (lines % 2 === 0 ? 1 : 0)) * LINE_BYTES;
}

export class Pieces implements Disposable {
  readonly count: number;
  /** Length of each piece. */
  readonly lengthBytes: number;
  readonly memory: CodecMemory;
  readonly #start: number;
  readonly #stride: number;
  readonly #views: readonly Buffer[];
  /** Two lists of addresses for the kernel: what it reads, what it writes. */
  readonly #lists: number;
  #working = 0;
  #disposed = false;

  constructor(memory: CodecMemory, count: number, lengthBytes: number) {
    if (!Number.isSafeInteger(lengthBytes) || lengthBytes < 0)
      throw new QuarryError(
        "InvalidArgument",
        `a piece of ${lengthBytes} bytes cannot be; give a whole number of at least 0`,
      );
    this.memory = memory;
    this.count = count;
    this.lengthBytes = lengthBytes;
    this.#stride = strideOf(lengthBytes);
    const listBytes = roundUp(2 * (count + 1) * ADDRESS_BYTES, LINE_BYTES);
    this.#lists = memory.allocate(listBytes + count * this.#stride);
    this.#start = this.#lists + listBytes;
    this.#views = Array.from({ length: count }, (_, i) =>
      memory.view(this.#start + i * this.#stride, lengthBytes),
    );
  }

  /** The bytes of piece `index`, to be read and written in place. */
  at(index: number): Buffer {
    assert(!this.#disposed, "pieces are not used after they are disposed");
    const view = this.#views[index];
    if (view === undefined)
      throw new QuarryError(
        "InvalidArgument",
        `there is no piece ${index}; pieces are 0 … ${this.count - 1}`,
      );
    return view;
  }

  /** The bytes of pieces `from` … `to - 1`. */
  range(from: number, to: number): Buffer[] {
    return Array.from({ length: to - from }, (_, i) => this.at(from + i));
  }

  /** Where piece `index` starts in the codec's memory. */
  addressOf(index: number): number {
    assert(index >= 0 && index < this.count, "the piece is one of these");
    return this.#start + index * this.#stride;
  }

  /**
   * Puts two lists of addresses where the kernel finds them, runs `work` on them and keeps the
   * memory until it is done.
   */
  async withLists<T>(
    inputs: readonly number[],
    outputs: readonly number[],
    work: (inputs: number, outputs: number) => T | Promise<T>,
  ): Promise<T> {
    assert(!this.#disposed && this.#working === 0, "pieces are free for one operation at a time");
    assert(inputs.length + outputs.length <= 2 * (this.count + 1), "the lists have room");
    const list = new Uint32Array(
      this.memory.shared.buffer,
      this.#lists,
      inputs.length + outputs.length,
    );
    list.set(inputs);
    list.set(outputs, inputs.length);
    this.#working++;
    try {
      return await work(this.#lists, this.#lists + inputs.length * ADDRESS_BYTES);
    } finally {
      this.#working--;
    }
  }

  [Symbol.dispose](): void {
    assert(this.#working === 0, "pieces are disposed when no operation runs on them");
    if (this.#disposed) return;
    this.#disposed = true;
    this.memory.release(this.#lists);
  }
}
