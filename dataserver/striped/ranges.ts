/**
 * Bytes of one range or parity as they were encoded: from a member that has it, or computed from k
 * others. What one has harmed is taken from the next, span by span where need be.
 */
import { QuarryError } from "../../base/errors.ts";
import type { Codec } from "../../erasure/codec.ts";
import { SPAN } from "./format.ts";

/** A member that may have its range, or parity. */
export interface RangeSource {
  readonly piece: number;
  /** @throws QuarryError when it cannot give them as they were written. */
  read(offset: number, lengthBytes: number): Promise<Uint8Array>;
}

export interface RangesOptions {
  /** The piece that is wanted. */
  readonly piece: number;
  /** All of one encoding. */
  readonly sources: readonly RangeSource[];
  readonly codec: Codec;
}

export class Ranges {
  readonly #options: RangesOptions;

  constructor(options: RangesOptions) {
    this.#options = options;
  }

  /** Fills `target`; `offset` is a multiple of 64 KiB. @throws QuarryError `TooFewPieces`. */
  async read(target: Uint8Array, offset: number): Promise<void> {
    const { piece, sources } = this.#options;
    for (const source of sources) {
      if (source.piece !== piece) continue;
      const bytes = await this.#take(source, offset, target.length);
      if (bytes === undefined) continue;
      target.set(bytes);
      return;
    }
    if (await this.#compute(target, offset)) return;
    if (target.length <= SPAN)
      throw new QuarryError(
        "TooFewPieces",
        `too few members have bytes ${offset} … of their ranges: they cannot be made anew`,
      );
    for (let at = 0; at < target.length; at += SPAN)
      await this.read(target.subarray(at, at + SPAN), offset + at);
  }

  async #compute(target: Uint8Array, offset: number): Promise<boolean> {
    const { piece, sources, codec } = this.#options;
    const { data: k, parity } = codec.scheme;
    const found = new Map<number, Uint8Array>();
    const left = sources.filter((source) => source.piece !== piece);
    while (found.size < k && left.length > 0) {
      const asked = left.splice(0, k - found.size);
      const answers = await Promise.all(
        asked.map((source) => this.#take(source, offset, target.length)),
      );
      for (const [i, bytes] of answers.entries()) {
        const position = asked[i]?.piece;
        if (bytes !== undefined && position !== undefined) found.set(position, bytes);
      }
    }
    if (found.size < k) return false;
    using pieces = codec.pieces(target.length);
    for (const [position, bytes] of found) pieces.at(position).set(bytes);
    const all = Array.from({ length: k + parity }, (_, i) => i);
    const missing = all.filter((i) => !found.has(i));
    await codec.reconstruct(pieces, missing, [piece]);
    target.set(pieces.at(piece));
    return true;
  }

  /** Undefined when the source cannot give them. */
  async #take(
    source: RangeSource,
    offset: number,
    lengthBytes: number,
  ): Promise<Uint8Array | undefined> {
    try {
      return await source.read(offset, lengthBytes);
    } catch (error) {
      if (error instanceof QuarryError) return undefined;
      throw error;
    }
  }
}
