/** A range of what one member holds of a chunk, verified against the checksums that the writer made. */
import { payloadPool } from "../base/buffer-pool.ts";
import { QuarryError, unreachable } from "../base/errors.ts";
import type { DeviceId } from "../base/ids.ts";
import type { BlockPiece, ReadReply } from "../rpc/block-service.ts";
import { firstBadSpan } from "../rpc/needle-checksums.ts";
import type { StripePlace } from "../rpc/stripe-service.ts";
import type { ReadableChunk } from "./content-cursor.ts";
import type { ServiceOf } from "./members.ts";

export interface GoodPiece {
  readonly kind: "good";
  /** Exactly what was asked for, in memory of `payloadPool`. */
  readonly bytes: Uint8Array;
  readonly generation: number;
}

/** What a member has of a needle of which nothing was known. */
export interface FirstPiece extends GoodPiece {
  /** Length of all that the member has of it. */
  readonly needleBytes: number;
  /** Absent: it is the needle itself. */
  readonly piece?: BlockPiece;
}

/**
 * Why a member cannot give the bytes. One that is `away` may have them; `moved`: what it has is right,
 * but another piece, as the block is not any more as it was said to be.
 */
export interface Trouble {
  readonly kind: "away" | "missing" | "damaged" | "wrong" | "moved" | "other generation" | "failed";
  readonly what: string;
  /** Of one that is `missing`: the member does not have the block at all. */
  readonly isAbsent?: true;
}

export interface PieceRange {
  readonly chunk: Omit<ReadableChunk, "lengthBytes">;
  /** Absent: the chunk itself is wanted. */
  readonly piece?: BlockPiece;
  /** Length of the whole piece. */
  readonly pieceBytes: number;
  readonly from: number;
  readonly to: number;
}

/** The beginning of a needle of which nothing else is known. */
export interface FirstRange {
  readonly chunk: Omit<ReadableChunk, "lengthBytes">;
  readonly to: number;
}

/** Operating errors of the member are its trouble; any other is thrown. */
export async function readPiece(
  serviceOf: ServiceOf,
  device: DeviceId,
  range: PieceRange,
): Promise<GoodPiece | Trouble> {
  const answer = await readOrPlace(serviceOf, device, range);
  if (answer.kind !== "elsewhere") return answer;
  return { kind: "moved", what: `${device} has the block in stripes` };
}

/** Of a member of a striped block also: where the needle is. */
export async function readOrPlace(
  serviceOf: ServiceOf,
  device: DeviceId,
  range: PieceRange,
): Promise<GoodPiece | Trouble | StripePlace> {
  return await ask(serviceOf, device, range, (reply) => verified(device, range, reply));
}

/** What there is from the beginning on, at most up to `to`, whichever piece it is. */
export async function readFirst(
  serviceOf: ServiceOf,
  device: DeviceId,
  { chunk, to }: FirstRange,
): Promise<FirstPiece | Trouble | StripePlace> {
  return await ask(serviceOf, device, { chunk, from: 0, to }, (reply) => {
    const { needleBytes, piece } = reply;
    const pieceBytes = needleBytes;
    const range = { chunk, pieceBytes, from: 0, to: Math.min(to, needleBytes) };
    const found = verified(device, { ...range, ...(piece !== undefined && { piece }) }, reply);
    if (found.kind !== "good") return found;
    return { ...found, needleBytes, ...(piece !== undefined && { piece }) };
  });
}

type Data = Extract<ReadReply, { kind: "data" }>;

async function ask<Good>(
  serviceOf: ServiceOf,
  device: DeviceId,
  { chunk, from, to }: Pick<PieceRange, "chunk" | "from" | "to">,
  take: (reply: Data) => Good | Trouble,
): Promise<Good | Trouble | StripePlace> {
  const { block, needle, only } = chunk;
  const request = { device, block, needle, offset: from, lengthBytes: to - from };
  try {
    const reply = await serviceOf(device).read(only === undefined ? request : { ...request, only });
    switch (reply.kind) {
      case "missing":
        return {
          ...{ kind: "missing", what: `${device} misses the ${reply.what}` },
          ...(reply.what === "block" && { isAbsent: true }),
        };
      case "damaged":
        return { kind: "damaged", what: `${device}: ${reply.detail}` };
      case "elsewhere":
        return reply.only === only ? reply : blind(device);
      case "data":
        return reply.only === only ? take(reply) : blind(device);
      default:
        return unreachable(reply);
    }
  } catch (error) {
    return troubleOf(error);
  }
}

/** Without its word that it looked, what it gives may belong to a private object. */
const blind = (device: DeviceId): Trouble => ({
  kind: "failed",
  what: `the dataserver of ${device} is of a version that does not serve fids: update it`,
});

function verified(
  device: DeviceId,
  { chunk, piece: wanted, pieceBytes, from, to }: PieceRange,
  reply: Data,
): GoodPiece | Trouble {
  const { needleBytes, data, offset, checksums, generation, piece } = reply;
  const wrong = (what: string): Trouble => {
    payloadPool.give(data);
    return { kind: "wrong", what: `${device} ${what}` };
  };
  if (!isExpected(wanted, piece)) {
    payloadPool.give(data);
    return { kind: "moved", what: `${device} has another piece` };
  }
  if (needleBytes !== pieceBytes) return wrong(`has ${needleBytes} bytes, not ${pieceBytes}`);
  const bad = firstBadSpan(chunk.block, chunk.needle, needleBytes, data, checksums);
  if (bad >= 0) return wrong(`gave wrong bytes in span ${bad} behind ${offset}`);
  const start = from - offset;
  if (start < 0 || to - offset > data.length) return wrong("gave too little");
  return { kind: "good", bytes: data.subarray(start, to - offset), generation };
}

/** Operating errors of a member are its trouble; any other is thrown. */
export function troubleOf(error: unknown): Trouble {
  if (!(error instanceof QuarryError)) throw error;
  const what = error.message;
  switch (error.code) {
    case "Unavailable":
    case "Timeout":
      return { kind: "away", what };
    case "Damaged":
      return { kind: "damaged", what };
    case "DiskFailed":
    case "NoSuchDevice":
      return { kind: "failed", what };
    case "StaleGeneration":
      return { kind: "other generation", what };
    case "NoSuchBlock":
      return { kind: "moved", what };
    default:
      throw error;
  }
}

/** Checksums do not tell one piece of a needle from another, so the member does. */
function isExpected(wanted: BlockPiece | undefined, found: BlockPiece | undefined): boolean {
  if (wanted === undefined || found === undefined) return wanted === found;
  const { k, m } = wanted.scheme;
  return found.piece === wanted.piece && found.scheme.k === k && found.scheme.m === m;
}
