/** Loads the kernel and writes its tables. `kernel.as` is what runs; it describes the tables. */
import { assert, QuarryError } from "../../base/errors.ts";
import { multiply } from "../field.ts";
import type { Matrix } from "../matrix.ts";
import { relaxed, scalar, simd } from "./modules.ts";

/** Best first. */
const kernelModules = { relaxed, simd, scalar } as const;

/** What the engine must have: relaxed SIMD, SIMD, nothing. All give the same bytes. */
export type Variant = keyof typeof kernelModules;

export const variants = Object.keys(kernelModules) as readonly Variant[];

/** Columns go through the kernel in steps of this many bytes. */
export const STEP_BYTES = 32;

/** Rows that share one pass over the inputs. */
const GROUP = 4;
const TABLE_BYTES = 32;

/** One run of the kernel: outputs[r] = Σ coefficient[r][c] × inputs[c], for columns from … to. */
export interface Product {
  /** Addresses in the memory that the kernel is bound to. */
  readonly tables: number;
  /** Lists of addresses (u32), themselves in that memory. */
  readonly inputs: number;
  readonly inputCount: number;
  readonly outputs: number;
  readonly outputCount: number;
  /** Bytes within each piece; multiples of {@link STEP_BYTES}. */
  readonly from: number;
  readonly to: number;
  /** Add to what the outputs hold, rather than replace it. */
  readonly add: boolean;
}

export type Kernel = (product: Product) => void;

const supported = (variant: Variant): boolean => WebAssembly.validate(moduleBytes(variant));

const moduleBytes = (variant: Variant) =>
  Uint8Array.from(Buffer.from(kernelModules[variant], "base64"));

/** The fastest variant that this engine runs. */
export function bestVariant(): Variant {
  const best = variants.find(supported);
  if (best === undefined)
    throw new QuarryError("NotImplemented", "this engine runs no WebAssembly with shared memory");
  return best;
}

export function compileKernel(variant: Variant): WebAssembly.Module {
  return new WebAssembly.Module(moduleBytes(variant));
}

/** Binds a compiled kernel to a memory. */
export function bindKernel(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernel {
  const run: unknown = new WebAssembly.Instance(module, { env: { memory } }).exports["product"];
  assert(typeof run === "function", "the kernel exports product");
  return (p) =>
    run(p.tables, p.inputs, p.inputCount, p.outputs, p.outputCount, p.from, p.to, p.add ? 1 : 0);
}

/** Bytes that the tables of a matrix take. */
export function tableBytes(rows: Matrix): number {
  return rows.reduce((sum, row) => sum + row.length * TABLE_BYTES, 0);
}

/** Writes the tables of a matrix in the order in which the kernel reads them. */
export function writeTables(rows: Matrix, target: Uint8Array): void {
  let at = 0;
  for (let first = 0; first < rows.length; first += GROUP) {
    const group = rows.slice(first, first + GROUP);
    for (let column = 0; column < (rows[0]?.length ?? 0); column++)
      for (const row of group) {
        const factor = row[column] ?? 0;
        for (let nibble = 0; nibble < 16; nibble++) {
          target[at + nibble] = multiply(factor, nibble);
          target[at + 16 + nibble] = multiply(factor, nibble << 4);
        }
        at += TABLE_BYTES;
      }
  }
}
