/**
 * Needles that were cut into k pieces, put together again. Their true lengths are not told by the pieces,
 * of which the last is padded: the order brings them, with the checksum of each chunk, as the metadata
 * have them. What it does not name is nobody's, and is left out.
 *
 * One row of `ConvertOrder.chunks`, little-endian: 0 needle u64, 8 length u32, 12 crc32c u32. Of a bare
 * needle the length is that of its pieces together (`BARE_ROW` on top), and the last is 0.
 */
import { crc32c } from "../../base/checksum.ts";
import { QuarryError } from "../../base/errors.ts";
import type { BlockId, NeedleId } from "../../base/ids.ts";
import type { Codec } from "../../erasure/codec.ts";
import { needleChecksums } from "../../rpc/needle-checksums.ts";
import type { PoolScheme } from "../../rpc/pool.ts";
import { BARE_ROW, CHUNK_ROW_BYTES } from "../../rpc/stripe-service.ts";
import { type Gathered, Gatherer, type GatherOptions, type LostRow } from "../rebuild/gather.ts";
import type { Plan } from "../rebuild/plan.ts";
import { recordBytes } from "../record.ts";

/** The same rows, of pieces and of what they give together. */
export interface SplitPlan {
  readonly pieces: Plan;
  readonly whole: Plan;
  /** CRC32C of the chunk, by row; undefined for bare needles. */
  readonly sums: readonly (number | undefined)[];
}

/** @throws QuarryError `Damaged` when pieces are of another length than the chunk's would be. */
export function splitPlan(plan: Plan, { k }: PoolScheme, chunks: Uint8Array): SplitPlan {
  const named = chunksOf(chunks);
  const rows: number[] = [];
  for (let row = 0; row < plan.count; row++) if (named.has(plan.ids[row] ?? 0n)) rows.push(row);
  const pieces = onlyRows(plan, rows);
  const lengths = new Uint32Array(rows.length);
  const sums: (number | undefined)[] = [];
  let bytes = 0;
  for (let row = 0; row < rows.length; row++) {
    const id = pieces.ids[row] ?? 0n;
    const { lengthBytes, sum } = named.get(id) ?? { lengthBytes: 0, sum: undefined };
    if (Math.ceil(lengthBytes / k) !== pieces.lengths[row])
      throw new QuarryError(
        "Damaged",
        `the pieces of needle ${nameOf(id)} are not those of ${lengthBytes} bytes`,
      );
    lengths[row] = lengthBytes;
    sums.push(sum);
    bytes += recordBytes(lengthBytes);
  }
  return { pieces, whole: { ...pieces, lengths, bytes }, sums };
}

function chunksOf(rows: Uint8Array) {
  const named = new Map<
    bigint,
    { readonly lengthBytes: number; readonly sum: number | undefined }
  >();
  const view = Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength);
  for (let at = 0; at + CHUNK_ROW_BYTES <= view.length; at += CHUNK_ROW_BYTES) {
    const length = view.readUInt32LE(at + 8);
    const isBare = length >= BARE_ROW;
    named.set(view.readBigUInt64LE(at), {
      lengthBytes: isBare ? length - BARE_ROW : length,
      sum: isBare ? undefined : view.readUInt32LE(at + 12),
    });
  }
  return named;
}

function onlyRows(plan: Plan, rows: readonly number[]): Plan {
  const of = (column: Uint32Array) => Uint32Array.from(rows, (row) => column[row] ?? 0);
  const ids = BigUint64Array.from(rows, (row) => plan.ids[row] ?? 0n);
  const lengths = of(plan.lengths);
  return {
    ...{ count: rows.length, ids, halves: new Uint32Array(ids.buffer), lengths },
    ...{ holders: of(plan.holders), places: plan.places.map(of), removed: plan.removed },
    bytes: lengths.reduce((sum, length) => sum + recordBytes(length), 0),
  };
}

export interface SplitGatherOptions extends Omit<GatherOptions, "piece" | "k" | "plan" | "codec"> {
  readonly scheme: PoolScheme;
  readonly codec: Codec;
  readonly plan: SplitPlan;
}

/** Gathers the data pieces, each computed where nobody has it, and puts them together. */
export class SplitGatherer {
  readonly #plan: SplitPlan;
  readonly #block: BlockId;
  /** By data piece. */
  readonly #pieces: readonly Gatherer[];

  constructor({ scheme, plan, ...options }: SplitGatherOptions) {
    const { k } = scheme;
    this.#plan = plan;
    this.#block = options.block;
    this.#pieces = Array.from(
      { length: k },
      (_, piece) => new Gatherer({ ...options, k, piece, plan: plan.pieces }),
    );
  }

  async window(rows: ArrayLike<number>): Promise<Gathered> {
    const gathering = this.#pieces.map((pieces) => pieces.window(rows));
    const ends = await Promise.allSettled(gathering);
    const gathered = ends.flatMap((end) => (end.status === "fulfilled" ? end.value : []));
    try {
      for (const end of ends) if (end.status === "rejected") throw end.reason;
      return this.#together(rows, gathered);
    } finally {
      for (const one of gathered) one[Symbol.dispose]();
    }
  }

  #together(rows: ArrayLike<number>, gathered: readonly Gathered[]): Gathered {
    const found = gathered.map(({ needles }) => new Map(needles.map((one) => [one.row, one])));
    const needles: Gathered["needles"][number][] = [];
    const lost: LostRow[] = [];
    for (const row of Array.from(rows)) {
      const pieces = found.flatMap((byRow) => byRow.get(row) ?? []);
      const [first] = pieces;
      if (first === undefined || pieces.length < found.length) {
        lost.push({ row, from: 0 });
        continue;
      }
      const data = this.#joined(
        row,
        pieces.map((piece) => piece.data),
      );
      const checksums = needleChecksums(this.#block, first.needle, data);
      needles.push({ row, needle: first.needle, owner: first.owner, data, checksums });
    }
    return { needles, lost, [Symbol.dispose]: () => undefined };
  }

  /** @throws QuarryError `Damaged` when each piece is right and what they give is not. */
  #joined(row: number, pieces: readonly Uint8Array[]): Buffer {
    const { whole, sums } = this.#plan;
    const data = Buffer.allocUnsafe(whole.lengths[row] ?? 0);
    let at = 0;
    for (const piece of pieces) {
      const part = piece.subarray(0, data.length - at);
      data.set(part, at);
      at += part.length;
    }
    const sum = sums[row];
    if (sum === undefined || crc32c(data) === sum) return data;
    throw new QuarryError(
      "Damaged",
      `the pieces of needle ${nameOf(whole.ids[row] ?? 0n)} of block ${this.#block} do not give its chunk`,
    );
  }
}

const nameOf = (id: bigint | NeedleId) => id.toString(16).padStart(16, "0");
