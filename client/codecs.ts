/**
 * Pieces of chunks, made and put together again, in one codec memory for the whole client. Room is
 * taken from a budget first: one for what is written, another for what is read, so that reads do not
 * wait for writes to members that hang.
 *
 * No worker threads: coding 4 MiB as 4+2 takes 0.3 ms, their checksums take longer, and MD5 5 ms.
 */
import { assert } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { Codec } from "../erasure/codec.ts";
import { split } from "../erasure/contents.ts";
import { CodecMemory } from "../erasure/memory.ts";
import { Pieces } from "../erasure/pieces.ts";
import { schemeOf } from "../erasure/scheme.ts";
import type { PoolScheme } from "../rpc/pool.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { pieceBytesOf } from "./strips.ts";

export class Codecs {
  /** Made when the first chunk is cut: most stores never need it. */
  #memory: CodecMemory | undefined;
  readonly #codecs = new Map<number, Codec>();
  readonly #encoding = new MemoryBudget(limits.encodeBytes);
  readonly #decoding = new MemoryBudget(limits.decodeBytes);

  /** Gives `use` the k + m pieces of a chunk; they end with the call. */
  async encode<T>(
    scheme: PoolScheme,
    chunk: Uint8Array,
    use: (pieces: Pieces) => Promise<T>,
  ): Promise<T> {
    const { k, m } = scheme;
    const pieceBytes = pieceBytesOf(scheme, chunk.length);
    using _room = await reserve(this.#encoding, limits.encodeBytes, (k + m) * pieceBytes);
    using pieces = new Pieces(this.#mine(), k + m, pieceBytes);
    split(chunk, pieces, k);
    if (m > 0) await this.#codec(scheme).encode(pieces);
    return await use(pieces);
  }

  /** Room to read and decode a strip of this many bytes of each piece. */
  async roomToDecode({ k, m }: PoolScheme, stripBytes: number): Promise<Disposable> {
    return await reserve(this.#decoding, limits.decodeBytes, (2 * k + m) * stripBytes);
  }

  /**
   * Computes `wanted` data pieces from `found`, which has k pieces at least, by position; gives `use`
   * each of them while it lasts.
   */
  async decode(
    scheme: PoolScheme,
    found: ReadonlyMap<number, { readonly bytes: Uint8Array }>,
    wanted: readonly number[],
    stripBytes: number,
    use: (position: number, bytes: Uint8Array) => void,
  ): Promise<void> {
    const codec = this.#codec(scheme);
    const all = Array.from({ length: scheme.k + scheme.m }, (_, position) => position);
    const sources = new Set(codec.sources(all.filter((position) => !found.has(position))));
    using pieces = codec.pieces(stripBytes);
    for (const position of sources) {
      const bytes = found.get(position)?.bytes;
      assert(bytes?.length === stripBytes, "pieces are of one length");
      pieces.at(position).set(bytes);
    }
    const unread = all.filter((position) => !sources.has(position));
    await codec.reconstruct(pieces, unread, wanted);
    for (const position of wanted) use(position, pieces.at(position));
  }

  #mine(): CodecMemory {
    this.#memory ??= new CodecMemory();
    return this.#memory;
  }

  #codec({ k, m }: PoolScheme): Codec {
    const key = k * 256 + m;
    let codec = this.#codecs.get(key);
    if (codec === undefined) {
      codec = new Codec(schemeOf(k, m), this.#mine());
      this.#codecs.set(key, codec);
    }
    return codec;
  }
}

/** One that is larger than all of the budget gets all of it. */
function reserve(budget: MemoryBudget, totalBytes: number, bytes: number): Promise<Disposable> {
  return budget.reserve(Math.min(bytes, totalBytes));
}
