/**
 * The codec of one scheme over pieces in its memory: encode, verify, reconstruct, update. Work of
 * some size goes to the worker pool, if there is one; small work runs on the calling thread, where
 * handing it over would take longer than doing it.
 *
 * Operations take the first `lengthBytes` of every piece (all of them by default); of what they
 * compute, the bytes up to the next multiple of 32 behind that are undefined. They use the pieces
 * alone until they resolve.
 */
import { assert, QuarryError } from "../base/errors.ts";
import { type Product, STEP_BYTES } from "./kernel/kernel.ts";
import { type Combination, type Matrix, parityMatrix, recover, sourcesOf } from "./matrix.ts";
import { type CodecMemory, roundUp } from "./memory.ts";
import { Pieces } from "./pieces.ts";
import type { WorkerPool } from "./pool.ts";
import { pieceCount, type Scheme, schemeOf, showScheme } from "./scheme.ts";

/**
 * Where the pool begins to pay: input bytes times outputs, about 0.1 ms of one core. Handing over
 * takes some 18 µs (README.md).
 */
export const POOL_WORK_BYTES = 4 * 1024 * 1024;

/** Parity is compared in runs of this many bytes, which stay in the cache … */
const VERIFY_BYTES = 16 * 1024;
/** … or of this many, which are worth handing to the pool. */
const POOLED_VERIFY_BYTES = 256 * 1024;

/** What a combination is computed over; inputs and outputs are its own pieces by default. */
interface CombineJob {
  readonly pieces: Pieces;
  readonly lengthBytes: number;
  readonly inputs?: readonly number[];
  readonly outputs?: readonly number[];
  readonly add?: boolean;
}

export class Codec {
  readonly scheme: Scheme;
  readonly memory: CodecMemory;
  readonly #pool: WorkerPool | undefined;
  readonly #poolFromBytes: number;
  readonly #parity: Matrix;

  /** The pool, if any, must work on the same memory; it gets work of `poolFromBytes` and more. */
  constructor(
    scheme: Scheme,
    memory: CodecMemory,
    pool?: WorkerPool,
    poolFromBytes: number = POOL_WORK_BYTES,
  ) {
    assert(pool === undefined || pool.memory === memory, "pool and codec share one memory");
    this.scheme = schemeOf(scheme.data, scheme.parity);
    this.memory = memory;
    this.#pool = pool;
    this.#poolFromBytes = poolFromBytes;
    this.#parity = parityMatrix(this.scheme);
  }

  /** Room for the k + m pieces of one content. The caller disposes it. */
  pieces(pieceBytes: number): Pieces {
    return new Pieces(this.memory, pieceCount(this.scheme), pieceBytes);
  }

  /** Computes all parities from the data pieces. */
  async encode(pieces: Pieces, lengthBytes = pieces.lengthBytes): Promise<void> {
    this.#check(pieces, lengthBytes);
    await this.#combine("encode", () => this.#encoding(), { pieces, lengthBytes });
  }

  /** The numbers of the parities that are not what the data gives; none when all is well. */
  async verify(pieces: Pieces, lengthBytes = pieces.lengthBytes): Promise<number[]> {
    this.#check(pieces, lengthBytes);
    const { data, parity } = this.scheme;
    const stepBytes = this.#pool === undefined ? VERIFY_BYTES : POOLED_VERIFY_BYTES;
    using expected = new Pieces(this.memory, parity, Math.min(stepBytes, lengthBytes));
    const wrong = new Set<number>();
    for (let from = 0; from < lengthBytes; from += stepBytes) {
      const runBytes = Math.min(stepBytes, lengthBytes - from);
      await this.#combine("encode", () => this.#encoding(), {
        pieces,
        lengthBytes: runBytes,
        inputs: range(0, data).map((i) => pieces.addressOf(i) + from),
        outputs: range(0, parity).map((i) => expected.addressOf(i)),
      });
      for (const i of range(0, parity)) {
        const stored = pieces.at(data + i).subarray(from, from + runBytes);
        if (!stored.equals(expected.at(i).subarray(0, runBytes))) wrong.add(data + i);
      }
    }
    return [...wrong].sort((a, b) => a - b);
  }

  /**
   * The k pieces to read when `missing` ones cannot be. Throws `TooFewPieces` when more than m are.
   */
  sources(missing: readonly number[]): number[] {
    return sourcesOf(this.scheme, this.#numbers(missing));
  }

  /**
   * Computes `wanted` pieces (all that are missing by default), data and parity, in place, from
   * {@link sources}. What was not read counts as missing.
   */
  async reconstruct(
    pieces: Pieces,
    missing: readonly number[],
    wanted: readonly number[] = missing,
    lengthBytes = pieces.lengthBytes,
  ): Promise<void> {
    this.#check(pieces, lengthBytes);
    const lost = this.#numbers(missing);
    const targets = this.#numbers(wanted);
    const given = targets.find((target) => !lost.includes(target));
    if (given !== undefined) throw invalid(`piece ${given} is wanted but not missing`);
    sourcesOf(this.scheme, lost); // too few pieces are refused also when nothing is computed
    if (targets.length === 0) return;
    const key = `${lost.join()} ${targets.join()}`;
    await this.#combine(key, () => recover(this.scheme, this.#parity, lost, targets), {
      pieces,
      lengthBytes,
    });
  }

  /**
   * Replaces data piece `index` by `fresh.at(0)` and brings the parities up to date. No other data
   * piece is read: the parities change by their coefficient times (old + new).
   */
  async update(
    pieces: Pieces,
    index: number,
    fresh: Pieces,
    lengthBytes = pieces.lengthBytes,
  ): Promise<void> {
    this.#check(pieces, lengthBytes);
    const { data } = this.scheme;
    if (!Number.isInteger(index) || index < 0 || index >= data)
      throw invalid(`piece ${index} is no data piece; those of ${this.#name} are 0 … ${data - 1}`);
    assert(fresh.memory === this.memory, "the new piece is in the codec's memory");
    if (fresh.lengthBytes < lengthBytes)
      throw invalid(`the new piece has ${fresh.lengthBytes} bytes; ${lengthBytes} are needed`);
    await this.#combine(`update ${index}`, () => this.#change(index), {
      pieces,
      lengthBytes,
      inputs: [pieces.addressOf(index), fresh.addressOf(0)],
      add: true,
    });
    pieces.at(index).set(fresh.at(0).subarray(0, lengthBytes));
  }

  #encoding(): Combination {
    const { data } = this.scheme;
    return {
      sources: range(0, data),
      targets: range(data, pieceCount(this.scheme)),
      rows: this.#parity,
    };
  }

  /** What the old and the new content of a data piece add to the parities. */
  #change(index: number): Combination {
    const { data } = this.scheme;
    return {
      sources: [index, index],
      targets: range(data, pieceCount(this.scheme)),
      rows: this.#parity.map((row) => Uint8Array.of(row[index] ?? 0, row[index] ?? 0)),
    };
  }

  get #name(): string {
    return showScheme(this.scheme);
  }

  async #combine(key: string, make: () => Combination, job: CombineJob): Promise<void> {
    const { pieces, lengthBytes, add = false } = job;
    if (lengthBytes === 0) return;
    await this.memory.tables.use(
      `${this.#name} ${key}`,
      make,
      async ({ sources, targets }, tables) => {
        const inputs = job.inputs ?? sources.map((i) => pieces.addressOf(i));
        const outputs = job.outputs ?? targets.map((i) => pieces.addressOf(i));
        await pieces.withLists(inputs, outputs, (inputList, outputList) => {
          const product: Product = {
            tables,
            inputs: inputList,
            inputCount: inputs.length,
            outputs: outputList,
            outputCount: outputs.length,
            from: 0,
            to: roundUp(lengthBytes, STEP_BYTES),
            add,
          };
          const work = inputs.length * outputs.length * lengthBytes;
          return this.#pool === undefined || work < this.#poolFromBytes
            ? this.memory.multiply(product)
            : this.#pool.multiply(product);
        });
      },
    );
  }

  #check(pieces: Pieces, lengthBytes: number): void {
    assert(pieces.memory === this.memory, "pieces and codec share one memory");
    const needed = pieceCount(this.scheme);
    if (pieces.count !== needed)
      throw invalid(`${pieces.count} pieces are given; ${this.#name} needs ${needed}`);
    if (!Number.isInteger(lengthBytes) || lengthBytes < 0 || lengthBytes > pieces.lengthBytes)
      throw invalid(`${lengthBytes} bytes are asked of pieces that have ${pieces.lengthBytes}`);
  }

  /** Checked piece numbers, ascending, each once. */
  #numbers(given: readonly number[]): number[] {
    const count = pieceCount(this.scheme);
    for (const i of given)
      if (!Number.isInteger(i) || i < 0 || i >= count)
        throw invalid(`there is no piece ${i}; those of ${this.#name} are 0 … ${count - 1}`);
    return [...new Set(given)].sort((a, b) => a - b);
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

function invalid(message: string): QuarryError {
  return new QuarryError("InvalidArgument", message);
}
