/**
 * Checks many CRC32Cs with little more than the work of one, where only "all are right" is asked.
 *
 * A CRC is linear: sum runs of bytes (XOR), each moved a little further than the one before, and the
 * CRC of the sum is the sum of theirs, moved just so. Summing takes a quarter of the time of a CRC.
 *
 * One run that is wrong shows as surely as by its own CRC. Errors of several runs may cancel each other
 * out: random ones with a chance of 2^-32, which is also that of one CRC32C to miss random damage. Damage
 * that repeats itself sector by sector does not, as runs are moved against each other by less than a sector.
 */
import { crc32c } from "../checksum.ts";
import { limits } from "../limits.ts";
import { kernelModule } from "./module.ts";

const SPAN = limits.checksumSpanBytes;
/** Runs that one turn of the kernel adds. */
const GROUP = 4;
/** Runs of one sum, at most: none is moved by a whole sector. */
const MOST = 32;
/** How much further each run is moved than the one before: a vector of the kernel. */
const STEP = 16;
const PAGE_BYTES = 65_536;

/** The runs of a group, each behind as many zeros as it is moved; the zeros stay. */
const STRIDE = SPAN + GROUP * STEP;
const SUM_AT = GROUP * STRIDE;
const MEMORY_BYTES = SUM_AT + SPAN + MOST * STEP;

/** What the module exports. */
interface Exports {
  add(sum: number, runs: number, strideBytes: number, lengthBytes: number): void;
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
}

class Fold {
  readonly #add: Exports["add"];
  readonly #slots: readonly Uint8Array[];
  readonly #sum: Uint8Array;
  readonly #moveStep = mover(STEP);
  readonly #moveSpan = mover(SPAN);

  constructor() {
    const module = new WebAssembly.Module(binary());
    const exports = new WebAssembly.Instance(module, {}).exports as unknown as Exports;
    const { add, memory } = exports;
    memory.grow(Math.ceil(MEMORY_BYTES / PAGE_BYTES));
    this.#add = add;
    this.#slots = Array.from(
      { length: GROUP },
      (_, i) => new Uint8Array(memory.buffer, i * (STRIDE + STEP), SPAN),
    );
    this.#sum = new Uint8Array(memory.buffer, SUM_AT, SPAN + MOST * STEP);
  }

  /** Whether runs `from` to `to` of `data` have these checksums; they are whole groups, at most MOST. */
  matches(data: Uint8Array, sums: Uint32Array, seed: number, from: number, to: number): boolean {
    const sum = this.#sum.subarray(0, SPAN + (to - from - 1) * STEP);
    sum.fill(0);
    for (let first = from; first < to; first += GROUP) {
      for (const [i, slot] of this.#slots.entries())
        slot.set(data.subarray((first + i) * SPAN, (first + i + 1) * SPAN));
      this.#add(SUM_AT + (first - from) * STEP, 0, STRIDE, STRIDE);
    }
    // The CRC of nothing but the seed and zeros is no part of what is linear.
    const ofZeros = ~this.#moveSpan(~seed);
    let wanted = 0;
    for (let i = from; i < to; i++) wanted = this.#moveStep(wanted) ^ (sums[i] ?? 0) ^ ofZeros;
    return ~crc32c(sum, 0xffff_ffff) === wanted;
  }
}

/** What becomes of the state of a CRC by so many zeros: a linear map, by tables for its four bytes. */
export function mover(zeroBytes: number): (state: number) => number {
  const zeros = new Uint8Array(zeroBytes);
  const table = new Uint32Array(4 * 256);
  for (let bit = 0; bit < 32; bit++) {
    const moved = ~crc32c(zeros, ~(1 << bit) >>> 0);
    const from = (bit >>> 3) * 256;
    for (let byte = 0; byte < 256; byte++)
      if ((byte >>> (bit & 7)) & 1) table[from + byte] = (table[from + byte] ?? 0) ^ moved;
  }
  return (state) =>
    (table[state & 0xff] ?? 0) ^
    (table[256 + ((state >>> 8) & 0xff)] ?? 0) ^
    (table[512 + ((state >>> 16) & 0xff)] ?? 0) ^
    (table[768 + (state >>> 24)] ?? 0);
}

const binary = () => Uint8Array.from(Buffer.from(kernelModule, "base64"));

let fold: Fold | undefined;
/** Whether the engine has vectors; without them each span is looked at by itself. */
let isPossible: boolean | undefined;

/**
 * How many of the first spans (`limits.checksumSpanBytes`) of `data` are found to have these CRC32Cs,
 * each continued from `seed`. The others may have theirs, too: they are to be looked at one by one.
 */
export function matchingSpans(data: Uint8Array, sums: Uint32Array, seed: number): number {
  const groups = Math.min(
    Math.floor(data.length / (GROUP * SPAN)),
    Math.floor(sums.length / GROUP),
  );
  const end = groups * GROUP;
  if (end === 0) return 0;
  isPossible ??= WebAssembly.validate(binary());
  if (!isPossible) return 0;
  fold ??= new Fold();
  for (let from = 0; from < end; from += MOST)
    if (!fold.matches(data, sums, seed, from, Math.min(from + MOST, end))) return from;
  return end;
}
