/** What a block file holds, read from its bytes alone: which needles are there and good, which gone. */
import type { BlockId, NeedleId } from "../../base/ids.ts";
import {
  decodeFooter,
  decodeHeader,
  footerBytes,
  HEADER_BYTES,
  type RecordFooter,
  type RecordHeader,
  recordBytes,
  seedOfBlock,
} from "../../dataserver/record.ts";
import {
  decodeSuperblock,
  isStriped,
  SUPERBLOCK_BYTES,
  type Superblock,
} from "../../dataserver/superblock.ts";
import { firstBadSpan } from "../../rpc/needle-checksums.ts";
import { type StandingStripe, stripedStanding } from "./standing-striped.ts";

export interface StandingNeedle {
  readonly needle: NeedleId;
  readonly blob: RecordHeader["blob"];
  readonly chunk: number;
  readonly lengthBytes: number;
  /** Where its record begins. */
  readonly offset: number;
  /** All of its record is as it was written. */
  readonly isGood: boolean;
}

export interface Standing {
  readonly block: BlockId;
  readonly generation: number;
  readonly piece: number;
  readonly k: number;
  readonly m: number;
  readonly sealed: boolean;
  /** Those that live. */
  readonly needles: ReadonlyMap<NeedleId, StandingNeedle>;
  readonly tombstones: ReadonlySet<NeedleId>;
  /** Which writing of its generation it is: of a block that a conversion has made. */
  readonly encoding: number;
  readonly stripe?: StandingStripe;
}

/** Undefined when the superblock is not readable. */
export function standingOf(bytes: Buffer): Standing | undefined {
  const superblock = decodeSuperblock(bytes.subarray(0, SUPERBLOCK_BYTES), "");
  if (superblock === undefined) return undefined;
  if (isStriped(superblock)) return stripedStanding(bytes, superblock);
  const { block, generation, piece, k, m, salt: encoding } = superblock;
  const needles = new Map<NeedleId, StandingNeedle>();
  const tombstones = new Set<NeedleId>();
  let sealed = false;
  for (const { header, offset, isGood } of recordsOf(bytes, superblock, SUPERBLOCK_BYTES)) {
    const { needle } = header;
    if (header.kind === "needle" && !tombstones.has(needle))
      needles.set(needle, { ...header, offset, isGood });
    if (header.kind === "tombstone" && isGood) {
      tombstones.add(needle);
      needles.delete(needle);
    }
    if (header.kind === "seal" && isGood) sealed = true;
  }
  return { block, generation, piece, k, m, sealed, needles, tombstones, encoding };
}

export interface StandingRecord {
  readonly header: RecordHeader;
  readonly offset: number;
  readonly footer: RecordFooter | undefined;
  readonly isGood: boolean;
}

/** The record that begins there, if one does. */
export function recordAt(
  bytes: Buffer,
  superblock: Superblock,
  offset: number,
): StandingRecord | undefined {
  const header = decodeHeader(seedOfBlock(superblock), offset, bytes, offset);
  if (header === undefined || offset + recordBytes(header.lengthBytes) > bytes.length)
    return undefined;
  const footer = footerOf(bytes, offset, header.lengthBytes);
  const isGood = footer !== undefined && isWhole(bytes, offset, superblock.block, header, footer);
  return { header, offset, footer, isGood };
}

/** Behind a bad place only what was synced later counts: else it is the rest of a torn write. */
export function recordsOf(bytes: Buffer, superblock: Superblock, from: number): StandingRecord[] {
  const records: StandingRecord[] = [];
  let doubtful: StandingRecord[] = [];
  let badAt = Number.POSITIVE_INFINITY;
  for (let offset = from; offset + HEADER_BYTES <= bytes.length; ) {
    const record = recordAt(bytes, superblock, offset);
    if (record === undefined) {
      badAt = Math.min(badAt, offset);
      offset += 8;
      continue;
    }
    const { header, isGood, footer } = record;
    doubtful.push(record);
    if (!isGood) badAt = Math.min(badAt, offset);
    if (badAt === Number.POSITIVE_INFINITY || (footer?.syncedBytes ?? 0) > badAt) {
      records.push(...doubtful);
      doubtful = [];
      badAt = Number.POSITIVE_INFINITY;
    }
    offset += recordBytes(header.lengthBytes);
  }
  return records;
}

function footerOf(bytes: Buffer, offset: number, lengthBytes: number): RecordFooter | undefined {
  const head = bytes.subarray(offset, offset + HEADER_BYTES);
  const footAt = offset + HEADER_BYTES + lengthBytes;
  const foot = bytes.subarray(footAt, footAt + footerBytes(lengthBytes));
  return decodeFooter(head, foot, lengthBytes);
}

function isWhole(
  bytes: Buffer,
  offset: number,
  block: BlockId,
  { kind, needle, lengthBytes }: RecordHeader,
  { checksums }: RecordFooter,
): boolean {
  const data = bytes.subarray(offset + HEADER_BYTES, offset + HEADER_BYTES + lengthBytes);
  return kind !== "needle" || firstBadSpan(block, needle, lengthBytes, data, checksums) < 0;
}
