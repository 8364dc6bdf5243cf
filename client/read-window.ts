/**
 * Reads a run of bytes of a chunk, wherever its block is and however it is laid out. What one member
 * says is never final: others are asked, then the nameserver where the block is now, and only then
 * the reader is told. A wrong byte is never given on.
 */
import { payloadPool } from "../base/buffer-pool.ts";
import { crc32c } from "../base/checksum.ts";
import { sleep } from "../base/clock.ts";
import { QuarryError, unreachable } from "../base/errors.ts";
import type { DeviceId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { OpenBlock } from "../rpc/name-service.ts";
import type { ReadableChunk, Window } from "./content-cursor.ts";
import { readPiece } from "./read-piece.ts";
import { type Failure, type ReadContext, readStrip, tell, verdict } from "./read-strip.ts";
import { readStriped } from "./read-striped.ts";
import { stripsOf } from "./strips.ts";

export type { ReadContext } from "./read-strip.ts";

/**
 * Memory of `payloadPool`, for one who gives it back.
 * @throws QuarryError `Unavailable` when members are away that may have the bytes; `Damaged` when those
 * that answered are too few, also with all that are away.
 */
export async function readWindow(context: ReadContext, window: Window): Promise<Uint8Array> {
  const { block, needle } = window.chunk;
  const { clock, locations } = context;
  let tookMs = 0;
  let located = await locations.of(block);
  for (let round = 1; ; round++) {
    const read = await readLocated(context, located, window);
    if (read instanceof Uint8Array) return read;
    locations.forget(block);
    tookMs += read.tookMs;
    const isLate = tookMs > limits.readAgainWithinMs;
    const { generation } = located;
    const refuse = () =>
      new QuarryError(
        // Of a block of which nobody tells where it is nothing is known to be lost.
        generation === 0 ? "Unavailable" : read.code,
        `needle ${needle.toString(16)} of block ${block} cannot be read: ${read.what}`,
      );
    if (round > 1 && (isLate || !read.isChanging || round > limits.retries)) throw refuse();
    if (read.isChanging) await sleep(clock, limits.readAgainMs);
    const before = located;
    located = await locations.of(block);
    // Members that were waited for in vain are not waited for twice.
    if (isLate && isSame(before, located)) throw refuse();
  }
}

const isSame = (a: OpenBlock, b: OpenBlock): boolean =>
  a.generation === b.generation && a.members.every((device, at) => device === b.members[at]);

async function readLocated(
  context: ReadContext,
  block: OpenBlock,
  window: Window,
): Promise<Uint8Array | Failure> {
  switch (block.layout) {
    case "whole": {
      const [only] = block.members;
      return block.members.length === 1 && only
        ? await readOnly(context, block, only, window)
        : await readStrips(context, block, window);
    }
    case "split":
      return await readStrips(context, block, window);
    case "striped":
      return await readStriped(context, block, window);
    default:
      return unreachable(block.layout);
  }
}

/** Of a block with one member there is nobody else to ask. */
async function readOnly(
  context: ReadContext,
  block: OpenBlock,
  device: DeviceId,
  { chunk, from, lengthBytes }: Window,
): Promise<Uint8Array | Failure> {
  const range = { chunk, pieceBytes: chunk.lengthBytes, from, to: from + lengthBytes };
  const sinceMs = context.clock.monotonicMs();
  const answer = await readPiece(context.serviceOf, device, range);
  if (answer.kind === "good") return answer.bytes;
  tell(context, chunk, 0, answer);
  return verdict(block, 0, [answer], context.clock.monotonicMs() - sinceMs);
}

async function readStrips(
  context: ReadContext,
  block: OpenBlock,
  { chunk, from, lengthBytes }: Window,
): Promise<Uint8Array | Failure> {
  const strips = stripsOf(block.scheme, chunk.lengthBytes, from, lengthBytes);
  const [first] = strips;
  if (first !== undefined && strips.length === 1 && first.count === 1)
    return await readStrip(context, block, chunk, first, undefined);
  const whole = payloadPool.take(lengthBytes);
  let at = 0;
  const reads = await Promise.all(
    strips.map((strip) => {
      const start = at;
      at = Math.min(at + strip.count * (strip.to - strip.from), lengthBytes);
      return readStrip(context, block, chunk, strip, whole.subarray(start, at));
    }),
  );
  for (const read of reads)
    if (!(read instanceof Uint8Array)) {
      payloadPool.give(whole);
      return read;
    }
  if (isWrong(chunk, whole)) {
    payloadPool.give(whole);
    return {
      ...{ kind: "failure", code: "Damaged", isChanging: false, tookMs: 0 },
      what: "its pieces are what was written of them, but do not give the chunk",
    };
  }
  return whole;
}

const isWrong = (chunk: ReadableChunk, bytes: Uint8Array): boolean =>
  bytes.length === chunk.lengthBytes &&
  chunk.crc32c !== undefined &&
  crc32c(bytes) !== chunk.crc32c;
