/** What a member's file of a striped block holds, read from its bytes alone (dataserver/striped/format.ts). */
import type { BlobId, NeedleId } from "../../base/ids.ts";
import type { IndexRows } from "../../dataserver/needle-index.ts";
import type { RecordHeader } from "../../dataserver/record.ts";
import {
  areTables,
  decodeColumns,
  decodeSpanSums,
  detailsAt,
  detailsPlace,
  geometryOf,
  SPAN,
  type StripedSuperblock,
  spanSum,
} from "../../dataserver/striped/format.ts";
import { SUPERBLOCK_BYTES } from "../../dataserver/superblock.ts";
import { multiply } from "../../erasure/field.ts";
import { parityMatrix } from "../../erasure/matrix.ts";
import { schemeOf } from "../../erasure/scheme.ts";
import {
  recordAt,
  recordsOf,
  type Standing,
  type StandingNeedle,
  type StandingRecord,
} from "./standing.ts";

/** What a member has beside its needles. */
export interface StandingStripe {
  /** Its range, or parity. */
  readonly range: Buffer;
  /** All of it, its tables and checksums is as it was written. */
  readonly isGood: boolean;
  /** The same at all members. */
  readonly tables: Buffer;
}

/** A needle is good where this member's part in having it is: its record, and the same bytes of others. */
export function stripedStanding(
  bytes: Buffer,
  superblock: StripedSuperblock,
): Standing | undefined {
  const { block, generation, piece, k, m, salt, stripe } = superblock;
  const { columnsAt, spanSumsAt, recordsAt } = geometryOf(stripe);
  const tables = bytes.subarray(columnsAt, spanSumsAt);
  const rows = decodeColumns(superblock, tables);
  if (rows === undefined || bytes.length < recordsAt) return undefined;
  const range = bytes.subarray(SUPERBLOCK_BYTES, columnsAt);
  const isGood = areTables(superblock, tables) && isWritten(bytes, superblock, range);
  const needles = new Map<NeedleId, StandingNeedle>();
  const tombstones = new Set<NeedleId>();
  for (let row = 0; row < rows.count; row++) {
    const needle = idAt(rows, row);
    const lengthBytes = rows.lengths[row] ?? 0;
    const place = (rows.offset8[row] ?? 0) * 8;
    if (place === 0) {
      tombstones.add(needle);
      continue;
    }
    const inRange = Math.floor((place - SUPERBLOCK_BYTES) / stripe.rangeBytes);
    const offset = place - inRange * stripe.rangeBytes;
    const { blob, chunk } = ownerOf(bytes, superblock, row);
    const stated = { needle, blob, chunk, lengthBytes };
    const isOwnGood = inRange !== piece || isStated(recordAt(bytes, superblock, offset), stated);
    needles.set(needle, { needle, blob, chunk, lengthBytes, offset, isGood: isGood && isOwnGood });
  }
  for (const { header, isGood: isWhole } of recordsOf(bytes, superblock, recordsAt))
    if (header.kind === "tombstone" && isWhole) {
      tombstones.add(header.needle);
      needles.delete(header.needle);
    }
  const known = { block, generation, piece, k, m, sealed: true, needles, tombstones };
  return { ...known, encoding: salt, stripe: { range, isGood, tables } };
}

function isWritten(bytes: Buffer, superblock: StripedSuperblock, range: Buffer): boolean {
  const { spanSumsAt, recordsAt } = geometryOf(superblock.stripe);
  const sums = decodeSpanSums(superblock, bytes.subarray(spanSumsAt, recordsAt));
  return sums?.every((sum, i) => spanSum(superblock, i, spanOf(range, i)) === sum) === true;
}

const spanOf = (range: Buffer, i: number) => range.subarray(i * SPAN, (i + 1) * SPAN);

type Stated = Pick<RecordHeader, "needle" | "blob" | "chunk" | "lengthBytes">;

/** A needle of its own range is what the tables say of it. */
function isStated(record: StandingRecord | undefined, stated: Stated): boolean {
  const { header, isGood = false } = record ?? {};
  const isSame = (name: keyof Stated) => header?.[name] === stated[name];
  return isGood && isSame("needle") && isSame("blob") && isSame("chunk") && isSame("lengthBytes");
}

function ownerOf(bytes: Buffer, { stripe }: StripedSuperblock, row: number) {
  const place = detailsPlace(stripe, row);
  const { blob, chunk } = detailsAt(
    place,
    bytes.subarray(place.at, place.at + place.lengthBytes),
    row,
  );
  return { blob: blob as BlobId, chunk };
}

const idAt = (rows: IndexRows, row: number) =>
  ((BigInt(rows.high[row] ?? 0) << 32n) | BigInt(rows.low[row] ?? 0)) as NeedleId;

/** What of these members of one encoding does not go with the others; those that are not good say nothing. */
export function discordOf(members: readonly (Standing | undefined)[]): string | undefined {
  const good = members.flatMap((one) => (one?.stripe?.isGood === true ? [one] : []));
  const [first] = good;
  if (first === undefined) return undefined;
  for (const { stripe, piece } of good)
    if (stripe !== undefined && first.stripe?.tables.equals(stripe.tables) !== true)
      return `piece ${piece} has other tables than piece ${first.piece}`;
  const { k, m } = first;
  const rangeAt = (piece: number) => good.find((one) => one.piece === piece)?.stripe?.range;
  const ranges = Array.from({ length: k }, (_, piece) => rangeAt(piece));
  if (ranges.some((range) => range === undefined)) return undefined;
  for (const [i, row] of parityMatrix(schemeOf(k, m)).entries()) {
    const parity = rangeAt(k + i);
    if (parity?.some((byte, at) => byte !== summed(row, ranges, at)) === true)
      return `parity ${i} is not that of its ranges`;
  }
  return undefined;
}

const summed = (row: Uint8Array, ranges: readonly (Buffer | undefined)[], at: number) =>
  ranges.reduce((sum, range, c) => sum ^ multiply(row[c] ?? 0, range?.[at] ?? 0), 0);
