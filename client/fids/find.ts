/**
 * Finds a needle of which nothing but its fid is known: what one member says of it tells its length, and
 * mostly brings all of it. Members give it only when it is of the kind that is wanted, so that a fid
 * never leads to what belongs to an object.
 */
import { payloadPool } from "../../base/buffer-pool.ts";
import { crc32c } from "../../base/checksum.ts";
import { sleep } from "../../base/clock.ts";
import { hasCode, QuarryError } from "../../base/errors.ts";
import type { NeedleKind } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { OpenBlock } from "../../rpc/name-service.ts";
import type { ReadableChunk } from "../content-cursor.ts";
import type { GetContext } from "../get.ts";
import { type FirstPiece, readFirst, type Trouble } from "../read-piece.ts";
import { tell } from "../read-strip.ts";
import { askMembers } from "../read-striped.ts";
import { readWindow } from "../read-window.ts";
import { type FidHead, HEAD_BYTES, headOf } from "./head.ts";
import type { Fid } from "./name.ts";

export interface FoundNeedle {
  readonly chunk: ReadableChunk;
  readonly head: FidHead;
  /** From the needle's beginning, head and all; of `payloadPool`. Perhaps not all of it. */
  readonly bytes: Uint8Array;
}

/** @param firstBytes how much of it is wanted at once, at least the head. */
export async function findNeedle(
  context: GetContext,
  { block, needle }: Fid,
  only: NeedleKind,
  firstBytes: number,
): Promise<FoundNeedle> {
  const wanted = { block, needle, only };
  for (let round = 1; ; round++) {
    const located = await locate(context, wanted);
    const { answer, troubles } = await askMembers(context, located, needle, (device) =>
      readFirst(context.serviceOf, device, { chunk: wanted, to: firstBytes }),
    );
    for (const [position, trouble] of troubles)
      if (trouble.kind !== "missing")
        tell(context, { ...wanted, lengthBytes: 0 }, position, trouble);
    if (answer?.kind === "elsewhere")
      return await readHead(context, { ...wanted, lengthBytes: answer.needleBytes }, firstBytes);
    if (answer !== undefined) {
      const isPiece = answer.piece !== undefined;
      if (isPiece === (located.layout === "split"))
        return isPiece
          ? await readSplit(context, wanted, answer)
          : found({ ...wanted, lengthBytes: answer.needleBytes }, answer.bytes);
      payloadPool.give(answer.bytes);
    } else if (isGone(located, [...troubles.values()])) throw noSuchFile();
    context.locations.forget(block);
    if (round > 1) await sleep(context.clock, limits.readAgainMs);
    if (round > limits.retries) throw unreadable(located, wanted, [...troubles.values()]);
  }
}

async function locate({ locations }: GetContext, { block }: Pick<Fid, "block">) {
  try {
    return await locations.of(block);
  } catch (error) {
    if (hasCode(error, "NoSuchBlock")) throw noSuchFile();
    throw error;
  }
}

/** Every member has the block, and knows no such needle, or not for everybody. */
const isGone = ({ members }: OpenBlock, troubles: readonly Trouble[]): boolean =>
  troubles.length > 0 &&
  troubles.length === members.filter((device) => device !== null).length &&
  troubles.every(({ kind, isAbsent }) => kind === "missing" && isAbsent !== true);

export const noSuchFile = (): QuarryError =>
  new QuarryError("NoSuchKey", "there is no file of this name");

function unreadable(
  { generation }: OpenBlock,
  { block, needle }: Fid,
  troubles: readonly Trouble[],
): QuarryError {
  const reasons = [...new Set(troubles.map(({ what }) => what))].join("; ");
  const isHurt =
    generation > 0 && troubles.length > 0 && troubles.every(({ kind }) => kind === "damaged");
  return new QuarryError(
    isHurt ? "Damaged" : "Unavailable",
    `needle ${needle.toString(16)} of block ${block} cannot be read: ${reasons || "no member answers"}`,
  );
}

async function readHead(
  context: GetContext,
  chunk: ReadableChunk,
  firstBytes: number,
): Promise<FoundNeedle> {
  const lengthBytes = Math.min(chunk.lengthBytes, firstBytes);
  return found(chunk, await readWindow(context, { chunk, from: 0, lengthBytes }));
}

/** Whole, since only the whole tells whether its pieces belong together. */
async function readSplit(
  context: GetContext,
  wanted: Omit<ReadableChunk, "lengthBytes">,
  { piece, needleBytes, bytes: first }: FirstPiece,
): Promise<FoundNeedle> {
  payloadPool.give(first);
  const lengthBytes = needleBytes * (piece?.scheme.k ?? 1);
  const chunk = { ...wanted, lengthBytes };
  const whole = found(chunk, await readWindow(context, { chunk, from: 0, lengthBytes }));
  const { head, bytes } = whole;
  const content = bytes.subarray(HEAD_BYTES, HEAD_BYTES + head.lengthBytes);
  if (content.length === head.lengthBytes && crc32c(content) === head.crc32c) return whole;
  payloadPool.give(bytes);
  throw new QuarryError("Damaged", "its pieces are what was written, but do not give the file");
}

function found(chunk: ReadableChunk, bytes: Uint8Array): FoundNeedle {
  try {
    const head = headOf(bytes);
    if (head.lengthBytes + HEAD_BYTES > chunk.lengthBytes)
      throw new QuarryError("Damaged", "a file is shorter than its head says");
    return { chunk, head, bytes };
  } catch (error) {
    payloadPool.give(bytes);
    throw error;
  }
}
