/**
 * Reads needles from the files of all members of a block that were looked at, and that nobody serves:
 * from one that has it whole, or, of a striped block, computed from the ranges of k others.
 */
import type { DiskFile, ReadableBytes } from "../base/disk.ts";
import { QuarryError } from "../base/errors.ts";
import type { BlockId, NeedleId } from "../base/ids.ts";
import { Codec } from "../erasure/codec.ts";
import { CodecMemory } from "../erasure/memory.ts";
import { schemeOf } from "../erasure/scheme.ts";
import { firstBadSpan } from "../rpc/needle-checksums.ts";
import { type InspectedBlock, isStripedMember, type StripedMember } from "./inspect.ts";
import type { Place } from "./needle-index.ts";
import { readSpans } from "./read-needle.ts";
import { seedOfBlock } from "./record.ts";
import { SPAN } from "./striped/format.ts";
import { type RangeSource, Ranges } from "./striped/ranges.ts";
import { SUPERBLOCK_BYTES, type Superblock } from "./superblock.ts";

export class InspectedNeedles {
  readonly #members = new Map<BlockId, InspectedBlock[]>();
  #memory: CodecMemory | undefined;

  add(member: InspectedBlock): void {
    const known = this.#members.get(member.block) ?? [];
    known.push(member);
    this.#members.set(member.block, known);
  }

  /**
   * The bytes of a needle, or undefined when no member has them whole, and too few to compute them. A
   * chunk that was cut is not put together: how long it is only its metadata say.
   */
  async read(block: BlockId, needle: NeedleId): Promise<Buffer | undefined> {
    const members = this.#members.get(block) ?? [];
    for (const member of members) {
      const bytes = await readHere(member, needle);
      if (bytes !== undefined) return bytes;
    }
    const striped = members.filter(isStripedMember);
    for (const encoding of Map.groupBy(striped, ({ superblock }) => superblock.salt).values()) {
      const bytes = await this.#compute(encoding, needle);
      if (bytes !== undefined) return bytes;
    }
    return undefined;
  }

  async #compute(members: readonly StripedMember[], needle: NeedleId): Promise<Buffer | undefined> {
    const knowing = members.find(({ index }) => index.find(needle) !== undefined);
    const known = knowing?.index.find(needle);
    if (knowing === undefined || known === undefined) return undefined;
    const { stripe, superblock } = knowing;
    const { range, ...place } = stripe.placeOf(known);
    await using files = new AsyncDisposableStack();
    const sources: RangeSource[] = [];
    for (const member of members)
      sources.push(sourceOf(member, files.use(await member.disk.open(member.path, "read"))));
    this.#memory ??= new CodecMemory();
    const codec = new Codec(schemeOf(superblock.k, superblock.m), this.#memory);
    const { rangeBytes } = superblock.stripe;
    const computed = rangeAsFile(new Ranges({ piece: range, sources, codec }), rangeBytes);
    try {
      return await readWhole(computed, superblock, needle, place);
    } catch (error) {
      if (error instanceof QuarryError && error.code === "TooFewPieces") return undefined;
      throw error;
    }
  }
}

/** From the member's own file. */
async function readHere(
  { disk, path, index, superblock, stripe }: InspectedBlock,
  needle: NeedleId,
): Promise<Buffer | undefined> {
  const known = index.find(needle);
  if (known === undefined || superblock === undefined) return undefined;
  if (stripe === undefined && superblock.k > 1) return undefined;
  const place = stripe === undefined ? known : stripe.placeOf(known);
  if ("range" in place && place.range !== superblock.piece) return undefined;
  await using file = await disk.open(path, "read");
  return await readWhole(file, superblock, needle, place);
}

async function readWhole(
  file: ReadableBytes,
  superblock: Superblock,
  needle: NeedleId,
  place: Place,
): Promise<Buffer | undefined> {
  const { lengthBytes } = place;
  const spans = { from: 0, to: lengthBytes };
  const found = await readSpans(file, seedOfBlock(superblock), needle, place, spans);
  if (found === undefined) return undefined;
  const bad = firstBadSpan(superblock.block, needle, lengthBytes, found.data, found.checksums);
  return bad < 0 ? Buffer.from(found.data) : undefined;
}

/** A member's range, as far as it is what was written. */
function sourceOf({ superblock, stripe, path }: StripedMember, file: DiskFile): RangeSource {
  return {
    piece: superblock.piece,
    async read(offset, lengthBytes) {
      const bytes = Buffer.alloc(lengthBytes);
      await file.read(bytes, SUPERBLOCK_BYTES + offset);
      for (let at = 0; at < lengthBytes; at += SPAN)
        if (!stripe.isSpan((offset + at) / SPAN, bytes.subarray(at, at + SPAN)))
          throw new QuarryError("Damaged", `${path} is damaged at ${offset + at} of its range`);
      return bytes;
    },
  };
}

/** As if the range stood in a file of its own, behind a superblock: so its records can be read. */
function rangeAsFile(ranges: Ranges, rangeBytes: number): ReadableBytes {
  return {
    async read(target, offset) {
      const from = Math.floor((offset - SUPERBLOCK_BYTES) / SPAN) * SPAN;
      const skip = offset - SUPERBLOCK_BYTES - from;
      const to = Math.min(Math.ceil((from + skip + target.length) / SPAN) * SPAN, rangeBytes);
      const bytes = Buffer.alloc(to - from);
      await ranges.read(bytes, from);
      return bytes.copy(target, 0, skip);
    },
  };
}
