/** What a block file holds, read from its bytes alone: which needles are there and good, which gone. */
import type { BlockId, NeedleId } from "../../base/ids.ts";
import {
  decodeFooter,
  decodeHeader,
  footerBytes,
  HEADER_BYTES,
  type RecordHeader,
  recordBytes,
  seedOfBlock,
} from "../../dataserver/record.ts";
import { decodeSuperblock, SUPERBLOCK_BYTES } from "../../dataserver/superblock.ts";
import { firstBadSpan } from "../../rpc/needle-checksums.ts";

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
}

/** Undefined when the superblock is not readable. */
export function standingOf(bytes: Buffer): Standing | undefined {
  const superblock = decodeSuperblock(bytes.subarray(0, SUPERBLOCK_BYTES), "");
  if (superblock === undefined) return undefined;
  const { block, generation, piece, k, m } = superblock;
  const seed = seedOfBlock(superblock);
  const needles = new Map<NeedleId, StandingNeedle>();
  const tombstones = new Set<NeedleId>();
  let sealed = false;
  for (let offset = SUPERBLOCK_BYTES; offset + HEADER_BYTES <= bytes.length; ) {
    const header = decodeHeader(seed, offset, bytes, offset);
    const lengthBytes = header === undefined ? 0 : recordBytes(header.lengthBytes);
    if (header === undefined || offset + lengthBytes > bytes.length) {
      // Behind a harmed record others may stand.
      offset += 8;
      continue;
    }
    const isGood = isWhole(bytes, offset, block, header);
    const { needle } = header;
    if (header.kind === "needle" && !tombstones.has(needle))
      needles.set(needle, { ...header, offset, isGood });
    if (header.kind === "tombstone" && isGood) {
      tombstones.add(needle);
      needles.delete(needle);
    }
    if (header.kind === "seal" && isGood) sealed = true;
    offset += lengthBytes;
  }
  return { block, generation, piece, k, m, sealed, needles, tombstones };
}

function isWhole(bytes: Buffer, offset: number, block: BlockId, header: RecordHeader): boolean {
  const { needle, lengthBytes } = header;
  const head = bytes.subarray(offset, offset + HEADER_BYTES);
  const data = bytes.subarray(offset + HEADER_BYTES, offset + HEADER_BYTES + lengthBytes);
  const footAt = offset + HEADER_BYTES + lengthBytes;
  const foot = decodeFooter(
    head,
    bytes.subarray(footAt, footAt + footerBytes(lengthBytes)),
    lengthBytes,
  );
  if (foot === undefined) return false;
  return (
    header.kind !== "needle" || firstBadSpan(block, needle, lengthBytes, data, foot.checksums) < 0
  );
}
