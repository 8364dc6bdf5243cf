/**
 * Reads one strip, whatever members are away: what the wanted pieces lack is computed from others. What
 * was found wrong on the way is told.
 */
import { payloadPool } from "../base/buffer-pool.ts";
import { unreachable } from "../base/errors.ts";
import type { OpenBlock } from "../rpc/name-service.ts";
import type { ReadableChunk } from "./content-cursor.ts";
import type { BlockLocations } from "./members.ts";
import type { NeedleReports } from "./needle-reports.ts";
import type { Trouble } from "./read-piece.ts";
import { type ReadAt, type StripContext, StripReading, type StripResult } from "./strip-reading.ts";
import type { Strip } from "./strips.ts";

export interface ReadContext extends StripContext {
  readonly locations: BlockLocations;
  readonly reports: NeedleReports;
}

/** Why it could not be read from where the block is said to be. */
export interface Failure {
  readonly kind: "failure";
  readonly code: "Unavailable" | "Damaged";
  readonly what: string;
  /** The members are about to switch to another generation. */
  readonly isChanging: boolean;
  /** How long the others were waited for. */
  readonly tookMs: number;
}

/** Into `target`, if there is one; else a strip of one piece in memory of its own. */
export async function readStrip(
  context: ReadContext,
  block: OpenBlock,
  chunk: ReadableChunk,
  strip: Strip,
  target: Uint8Array | undefined,
  readAt?: ReadAt,
): Promise<Uint8Array | Failure> {
  using reading = new StripReading(context, block, chunk, strip, readAt);
  const { kind, pieces, troubles, tookMs } = await reading.run();
  for (const [position, trouble] of troubles) tell(context, chunk, position, trouble);
  const [only] = pieces.values();
  switch (kind) {
    case "failed":
      giveBack(pieces);
      return verdict(block, pieces.size, [...troubles.values()], tookMs);
    case "direct":
      if (target === undefined && only !== undefined) return only.bytes;
      break;
    case "decode":
      break;
    default:
      return unreachable(kind);
  }
  const into = target ?? payloadPool.take(strip.to - strip.from);
  await assemble(context, block, strip, pieces, into);
  giveBack(pieces);
  return into;
}

/** The pieces of a strip one after the other; what is not there is computed from the others. */
async function assemble(
  { codecs }: ReadContext,
  { scheme }: OpenBlock,
  { first, count, from, to }: Strip,
  pieces: StripResult["pieces"],
  target: Uint8Array,
): Promise<void> {
  const stripBytes = to - from;
  const put = (position: number, bytes: Uint8Array) => {
    const at = (position - first) * stripBytes;
    target.set(bytes.subarray(0, target.length - at), at);
  };
  const absent: number[] = [];
  for (let position = first; position < first + count; position++) {
    const piece = pieces.get(position);
    if (piece === undefined) absent.push(position);
    else put(position, piece.bytes);
  }
  if (absent.length > 0) await codecs.decode(scheme, pieces, absent, stripBytes, put);
}

function giveBack(pieces: StripResult["pieces"]): void {
  for (const { bytes } of pieces.values()) payloadPool.give(bytes);
}

/** What others must know: the planner mends it, and the next reader asks where the block is now. */
export function tell(
  context: ReadContext,
  chunk: ReadableChunk,
  position: number,
  { kind }: Trouble,
): void {
  if (kind === "missing" || kind === "moved") context.locations.forget(chunk.block);
  if (kind !== "missing" && kind !== "damaged" && kind !== "wrong") return;
  context.reports.tell({ block: chunk.block, needle: chunk.needle, position, what: kind });
}

export function verdict(
  block: OpenBlock,
  good: number,
  troubles: readonly Trouble[],
  tookMs: number,
): Failure {
  const { k } = block.scheme;
  // Members that are just switching have another piece, or not yet any.
  const isChanging = troubles.some(
    ({ kind, isAbsent }) => kind === "other generation" || kind === "moved" || isAbsent === true,
  );
  const mayReturn = troubles.filter(({ kind }) => kind === "away" || kind === "other generation");
  const reasons = [...new Set(troubles.map(({ what }) => what))].join("; ");
  return {
    kind: "failure",
    code: good + mayReturn.length >= k ? "Unavailable" : "Damaged",
    what: `${good} of the ${k} pieces that it takes are there (${reasons})`,
    isChanging,
    tookMs,
  };
}
