/**
 * The codec's own memory: pieces, tables and the kernel that works on them. It is shared memory, so
 * that worker threads work on the same bytes and views stay good when it grows; files and sockets
 * are read straight into it.
 *
 * Runs of bytes start on a cache line and end on one; free runs are kept in order of address and
 * joined when neighbours. The memory grows up to its maximum and is never given back.
 */
import { assert, QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import {
  bestVariant,
  bindKernel,
  compileKernel,
  type Kernel,
  type Variant,
} from "./kernel/kernel.ts";
import { TableCache } from "./tables.ts";

const PAGE_BYTES = 65_536;
const LINE_BYTES = 64;

export const roundUp = (bytes: number, multiple: number): number =>
  Math.ceil(bytes / multiple) * multiple;

/** Free bytes from `start` to `end`. */
interface Run {
  start: number;
  end: number;
}

export interface CodecMemoryOptions {
  /** Defaults to the fastest that the engine runs. */
  readonly variant?: Variant;
  readonly maxBytes?: number;
}

export class CodecMemory {
  readonly variant: Variant;
  readonly module: WebAssembly.Module;
  readonly shared: WebAssembly.Memory;
  /** Runs a product on the calling thread. */
  readonly multiply: Kernel;
  /** Tables of all codecs that use this memory. */
  readonly tables: TableCache;
  readonly #maxBytes: number;
  /** The first line is left out, so that no address is 0. */
  readonly #free: Run[] = [{ start: LINE_BYTES, end: PAGE_BYTES }];
  readonly #lengths = new Map<number, number>();

  constructor({
    variant = bestVariant(),
    maxBytes = limits.erasureMemoryBytes,
  }: CodecMemoryOptions = {}) {
    this.variant = variant;
    this.#maxBytes = maxBytes;
    this.module = compileKernel(variant);
    const maximum = Math.ceil(maxBytes / PAGE_BYTES);
    this.shared = new WebAssembly.Memory({ initial: 1, maximum, shared: true });
    this.multiply = bindKernel(this.module, this.shared);
    this.tables = new TableCache(this);
  }

  /** Bytes handed out and not yet released. */
  get usedBytes(): number {
    return this.#lengths.values().reduce((sum, length) => sum + length, 0);
  }

  /**
   * The address of `lengthBytes` (rounded up to whole cache lines) of undefined content. Throws
   * `Busy` when the memory is used up: release something first.
   */
  allocate(lengthBytes: number): number {
    const wanted = Math.max(roundUp(lengthBytes, LINE_BYTES), LINE_BYTES);
    const run = this.#free.find(({ start, end }) => end - start >= wanted) ?? this.#grow(wanted);
    const address = run.start;
    run.start += wanted;
    if (run.start === run.end) this.#free.splice(this.#free.indexOf(run), 1);
    this.#lengths.set(address, wanted);
    return address;
  }

  /** What is really taken at an allocated address. */
  takenBytes(address: number): number {
    const length = this.#lengths.get(address);
    assert(length !== undefined, "this was allocated, and is released once");
    return length;
  }

  release(address: number): void {
    const length = this.takenBytes(address);
    this.#lengths.delete(address);
    this.#giveBack({ start: address, end: address + length });
  }

  /** A view of the memory; good as long as what it shows is not released. */
  view(address: number, lengthBytes: number): Buffer {
    return Buffer.from(this.shared.buffer, address, lengthBytes);
  }

  #giveBack(run: Run): Run {
    const next = this.#free.findIndex(({ start }) => start > run.start);
    const at = next < 0 ? this.#free.length : next;
    const before = this.#free[at - 1];
    const after = this.#free[at];
    const start = before?.end === run.start ? before.start : run.start;
    const end = after?.start === run.end ? after.end : run.end;
    const joined = { start, end };
    const from = start < run.start ? at - 1 : at;
    this.#free.splice(from, at - from + (end > run.end ? 1 : 0), joined);
    return joined;
  }

  /** Grows by at least a quarter, so that growing stays rare; returns a run that is large enough. */
  #grow(wanted: number): Run {
    const have = this.shared.buffer.byteLength;
    const last = this.#free.at(-1);
    const needed = wanted - (last?.end === have ? have - last.start : 0);
    if (have + roundUp(needed, PAGE_BYTES) > roundUp(this.#maxBytes, PAGE_BYTES))
      throw new QuarryError(
        "Busy",
        `${wanted} bytes more do not fit into the codec's ${this.#maxBytes} bytes of memory; ` +
          "release pieces or use smaller windows",
      );
    const growth = Math.max(needed, Math.min(have / 4, this.#maxBytes - have));
    this.shared.grow(Math.ceil(growth / PAGE_BYTES));
    return this.#giveBack({ start: have, end: this.shared.buffer.byteLength });
  }
}
