/**
 * Loads the draw of `kernel.as` and the buckets that it draws from. An engine without SIMD, or
 * without memory for it, draws in JavaScript: the answers are the same.
 */
import { drawNumerators } from "../logarithm.ts";
import { kernelModule } from "./module.ts";

const PAGE_BYTES = 65536;
/** Items that one turn of the kernel's loop takes. */
const STEP = 8;

/** Where a bucket lies in the kernel's memory. */
export interface KernelBucket {
  readonly ids: number;
  /** By output position. */
  readonly weightSets: readonly number[];
}

export type KernelDraw = (
  ids: number,
  weights: number,
  size: number,
  x: number,
  r: number,
) => number;

export interface Kernel {
  readonly draw: KernelDraw;
  /** Copies a bucket into the kernel's memory. */
  load(ids: Int32Array, weightSets: readonly Float64Array[]): KernelBucket;
}

/** What the module exports. */
interface Exports {
  readonly draw: KernelDraw;
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
}

let compiled: WebAssembly.Module | undefined;

/** A kernel with room for `lengthBytes` of buckets; undefined where the engine has none. */
export function openKernel(lengthBytes: number): Kernel | undefined {
  const bytes = Uint8Array.from(Buffer.from(kernelModule, "base64"));
  if (compiled === undefined && !WebAssembly.validate(bytes)) return undefined;
  compiled ??= new WebAssembly.Module(bytes);
  let exports: Exports;
  try {
    exports = new WebAssembly.Instance(compiled, {}).exports as unknown as Exports;
    const wanted = drawNumerators.byteLength + lengthBytes;
    exports.memory.grow(Math.ceil(wanted / PAGE_BYTES));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  const { draw, memory } = exports;
  new Float64Array(memory.buffer).set(drawNumerators);
  let end = drawNumerators.byteLength;
  const take = (bytesEach: number, size: number) => {
    const start = end;
    end += bytesEach * padded(size);
    return start;
  };
  return {
    draw,
    load(ids, weightSets) {
      const idsAt = take(4, ids.length);
      new Int32Array(memory.buffer, idsAt, ids.length).set(ids);
      return {
        ids: idsAt,
        weightSets: weightSets.map((weights) => {
          const at = take(8, weights.length);
          new Float64Array(memory.buffer, at, weights.length).set(weights);
          return at;
        }),
      };
    },
  };
}

const padded = (size: number): number => Math.ceil(size / STEP) * STEP;

/** What {@link Kernel.load} takes for a bucket. */
export const kernelBytes = (size: number, weightSets: number): number =>
  padded(size) * (4 + 8 * weightSets);
