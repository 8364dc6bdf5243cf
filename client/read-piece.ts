/** A range of what one member holds of a chunk, verified against the checksums that the writer made. */
import { payloadPool } from "../base/buffer-pool.ts";
import { QuarryError, unreachable } from "../base/errors.ts";
import type { DeviceId } from "../base/ids.ts";
import type { BlockPiece, ReadReply } from "../rpc/block-service.ts";
import { firstBadSpan } from "../rpc/needle-checksums.ts";
import type { Chunk } from "../rpc/objects.ts";
import type { StripePlace } from "../rpc/stripe-service.ts";
import type { ServiceOf } from "./members.ts";

export interface GoodPiece {
  readonly kind: "good";
  /** Exactly what was asked for, in memory of `payloadPool`. */
  readonly bytes: Uint8Array;
  readonly generation: number;
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
  readonly chunk: Chunk;
  /** Absent: the chunk itself is wanted. */
  readonly piece?: BlockPiece;
  /** Length of the whole piece. */
  readonly pieceBytes: number;
  readonly from: number;
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
  const { chunk, from, to } = range;
  const { block, needle } = chunk;
  const request = { device, block, needle, offset: from, lengthBytes: to - from };
  try {
    const reply = await serviceOf(device).read(request);
    switch (reply.kind) {
      case "missing":
        return {
          ...{ kind: "missing", what: `${device} misses the ${reply.what}` },
          ...(reply.what === "block" && { isAbsent: true }),
        };
      case "damaged":
        return { kind: "damaged", what: `${device}: ${reply.detail}` };
      case "elsewhere":
        return reply;
      case "data":
        return verified(device, range, reply);
      default:
        return unreachable(reply);
    }
  } catch (error) {
    return troubleOf(error);
  }
}

function verified(
  device: DeviceId,
  { chunk, piece: wanted, pieceBytes, from, to }: PieceRange,
  reply: Extract<ReadReply, { kind: "data" }>,
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
