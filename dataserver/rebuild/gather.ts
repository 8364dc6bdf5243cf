/**
 * The needles of one window, as the member that is made anew shall hold them: copied from who has that
 * very piece (with k = 1 everybody), computed from k others where nobody has it. What a source lacks
 * or has harmed is asked of the next one.
 */
import { payloadPool } from "../../base/buffer-pool.ts";
import { assert, QuarryError } from "../../base/errors.ts";
import type { BlockId, DeviceId, NeedleId, NeedleOwner } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { Codec } from "../../erasure/codec.ts";
import type { Pieces } from "../../erasure/pieces.ts";
import type { FetchedNeedle } from "../../rpc/healing-service.ts";
import { firstBadSpan, needleChecksums } from "../../rpc/needle-checksums.ts";
import type { WholeNeedle } from "../record-writer.ts";
import type { Plan } from "./plan.ts";
import type { Source } from "./sources.ts";

export interface GatherOptions {
  readonly block: BlockId;
  /** The piece that is wanted, and how many others make it. */
  readonly piece: number;
  readonly k: number;
  /** For k > 1. */
  readonly codec?: Codec;
  readonly plan: Plan;
  readonly sources: readonly Source[];
  /** Told of what was read. */
  readonly spend: (bytes: number) => Promise<void>;
}

/** A row of the plan of which too few pieces were found. */
export interface LostRow {
  readonly row: number;
  /** Bit s: what source s has of it is good. */
  readonly from: number;
}

export interface Gathered extends Disposable {
  readonly needles: readonly (WholeNeedle & { readonly row: number })[];
  readonly lost: readonly LostRow[];
}

interface Found {
  readonly data: Uint8Array;
  readonly owner: NeedleOwner;
  readonly checksums: Uint32Array;
}

interface Wanted {
  readonly row: number;
  readonly needle: NeedleId;
  readonly lengthBytes: number;
  /** Sources that have it and were not asked yet. */
  untried: number;
  /** Sources whose piece was good. */
  from: number;
  readonly pieces: Map<number, Found>;
}

export class Gatherer {
  readonly #options: GatherOptions;
  readonly #every: number;
  /** Those that have the wanted piece itself. */
  readonly #direct: number;

  constructor(options: GatherOptions) {
    this.#options = options;
    const { sources, k, piece } = options;
    const mask = (which: (source: Source) => boolean) =>
      sources.reduce((bits, source, s) => (which(source) ? bits | (1 << s) : bits), 0);
    this.#every = mask(() => true);
    this.#direct = mask((source) => k === 1 || source.piece === piece);
  }

  async window(rows: ArrayLike<number>): Promise<Gathered> {
    const { plan, k, piece } = this.#options;
    const wanted = Array.from(rows, (row) => ({
      row,
      needle: plan.ids[row] as NeedleId,
      lengthBytes: plan.lengths[row] ?? 0,
      untried: plan.holders[row] ?? 0,
      from: 0,
      pieces: new Map<number, Found>(),
    }));
    const held: { payloads: Uint8Array[]; pieces: Pieces[] } = { payloads: [], pieces: [] };
    const release = () => {
      for (const payload of held.payloads.splice(0)) payloadPool.give(payload);
      for (const pieces of held.pieces.splice(0)) pieces[Symbol.dispose]();
    };
    try {
      await this.#collect(wanted, 1, this.#direct, held.payloads);
      const has = (one: Wanted) => (k === 1 ? one.pieces.size > 0 : one.pieces.has(piece));
      const indirect = wanted.filter((one) => !has(one));
      if (k > 1 && indirect.length > 0) {
        await this.#collect(indirect, k, this.#every, held.payloads);
        await this.#decode(indirect, held.pieces);
      }
      const needles = wanted.flatMap(({ row, needle, pieces }) => {
        const found = k === 1 ? pieces.values().next().value : pieces.get(piece);
        return found === undefined ? [] : { row, needle, ...found };
      });
      const lost = wanted.filter((one) => !has(one)).map(({ row, from }) => ({ row, from }));
      return { needles, lost, [Symbol.dispose]: release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Asks in rounds until every needle has so many pieces, or nobody is left to be asked. */
  async #collect(wanted: readonly Wanted[], need: number, allowed: number, payloads: Uint8Array[]) {
    for (;;) {
      const asks = this.#options.sources.map((): Wanted[] => []);
      for (const one of wanted) this.#choose(one, need, allowed, asks);
      if (asks.every(({ length }) => length === 0)) return;
      const taking = asks.flatMap((list, s) => {
        return list.length === 0 ? [] : this.#take(s, list, payloads);
      });
      const ends = await Promise.allSettled(taking);
      for (const end of ends) if (end.status === "rejected") throw end.reason;
    }
  }

  #choose(one: Wanted, need: number, allowed: number, asks: readonly Wanted[][]): void {
    const coming = new Set(one.pieces.keys());
    for (const [s, { piece }] of this.#options.sources.entries()) {
      if (coming.size >= need) return;
      const bit = 1 << s;
      if ((one.untried & allowed & bit) === 0 || coming.has(piece)) continue;
      one.untried &= ~bit;
      coming.add(piece);
      asks[s]?.push(one);
    }
  }

  /** A source that fails fails the whole: what only it has is not lost. */
  async #take(s: number, list: readonly Wanted[], payloads: Uint8Array[]): Promise<void> {
    const { sources, k } = this.#options;
    const source = sources[s];
    assert(source !== undefined, "who is asked is one of the sources");
    const open = new Map(list.map((one) => [one.needle, one]));
    while (open.size > 0) {
      const ids = [...open.keys()].slice(0, limits.fetchNeedles);
      const reply = await source.peer.fetch(source.address, ids);
      payloads.push(reply.data);
      if (k > 1 && (reply.piece?.piece ?? source.piece) !== source.piece) throw another(source);
      await this.#options.spend(reply.data.length);
      const before = open.size;
      const wrong: NeedleId[] = [];
      for (const found of reply.needles) {
        const one = open.get(found.needle);
        const piece = one && this.#verified(one, found, reply.data);
        if (one !== undefined && piece !== undefined) {
          one.pieces.set(source.piece, piece);
          one.from |= 1 << s;
        } else wrong.push(found.needle);
        open.delete(found.needle);
      }
      for (const needle of reply.absent) open.delete(needle);
      if (wrong.length > 0) await accuse(source, wrong);
      if (open.size === before) throw silent(source.address.device);
    }
  }

  #verified(one: Wanted, found: FetchedNeedle, payload: Uint8Array): Found | undefined {
    const { needle, lengthBytes } = one;
    const { at, owner, checksums } = found;
    const data = payload.subarray(at, at + lengthBytes);
    const fits = found.lengthBytes === lengthBytes && data.length === lengthBytes;
    const { block } = this.#options;
    if (!fits || firstBadSpan(block, needle, lengthBytes, data, checksums) >= 0) return undefined;
    return { data, owner, checksums };
  }

  /** Needles that were found in the same k pieces are computed at once: what counts is the column. */
  async #decode(wanted: readonly Wanted[], held: Pieces[]): Promise<void> {
    const { k, codec } = this.#options;
    if (codec === undefined) throw new QuarryError("InvalidArgument", "there is no codec");
    const groups = new Map<string, Wanted[]>();
    for (const one of wanted) {
      if (one.pieces.size < k) continue;
      const key = [...one.pieces.keys()].sort((a, b) => a - b).join();
      const group = groups.get(key) ?? [];
      group.push(one);
      groups.set(key, group);
    }
    for (const group of groups.values()) await this.#decodeGroup(codec, group, held);
  }

  async #decodeGroup(codec: Codec, group: readonly Wanted[], held: Pieces[]): Promise<void> {
    const { block, piece: target } = this.#options;
    const totalBytes = group.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
    const pieces = codec.pieces(totalBytes);
    held.push(pieces);
    const known = new Set(group[0]?.pieces.keys());
    let at = 0;
    for (const one of group) {
      for (const [piece, { data }] of one.pieces) pieces.at(piece).set(data, at);
      at += one.lengthBytes;
    }
    const { data, parity } = codec.scheme;
    const missing = Array.from({ length: data + parity }, (_, i) => i).filter((i) => !known.has(i));
    await codec.reconstruct(pieces, missing, [target]);
    at = 0;
    for (const one of group) {
      const { needle, lengthBytes } = one;
      const [first] = one.pieces.values();
      const made = pieces.at(target).subarray(at, at + lengthBytes);
      at += lengthBytes;
      if (first === undefined) continue;
      const checksums = needleChecksums(block, needle, made);
      one.pieces.set(target, { data: made, owner: first.owner, checksums });
    }
  }
}

/** Lets a source look for itself at what it gave out. */
async function accuse({ peer, address }: Source, needles: readonly NeedleId[]): Promise<void> {
  for (const needle of needles) payloadPool.give((await peer.fetch(address, [needle], true)).data);
}

/** Its checksums would not tell: it was made anew as another piece meanwhile. */
const another = ({ address, piece }: Source) =>
  new QuarryError(
    "Changed",
    `device ${address.device} does not have piece ${piece} of block ${address.block} any more`,
  );

const silent = (device: DeviceId) =>
  new QuarryError(
    "Unavailable",
    `device ${device} does not say what became of what it was asked for`,
  );
