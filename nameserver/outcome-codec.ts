/**
 * What became of a command, as it is kept for one that comes again. In msgpack:
 *
 *   map      the result
 *   array    [code] of the refusal. Its words are not kept: they may change from one version to the
 *            next, and replicas of two versions must come to the same state (INV-6).
 *   nil      it was done, but the result is larger than `limits.sessionResultBytes`
 */
import { Packr } from "msgpackr";
import { isErrorCode, QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { AnyResult } from "./command.ts";

export type Outcome = ({ readonly result: AnyResult } | { readonly refusal: QuarryError }) & {
  /** The command came before, and nothing was done now. */
  readonly isRepeat?: true;
};

const packr = new Packr({ useRecords: false, variableMapSize: true });
const LOST = packr.pack(null);

export function encodeOutcome(outcome: Outcome): Uint8Array {
  if ("refusal" in outcome) return packr.pack([outcome.refusal.code]);
  const packed = packr.pack(outcome.result);
  return packed.length > limits.sessionResultBytes ? LOST : packed;
}

/** @throws QuarryError `Damaged`. */
export function decodeOutcome(bytes: Uint8Array): Outcome {
  const value = packr.unpack(bytes) as unknown;
  if (value === null) return { refusal: lost(), isRepeat: true };
  if (!Array.isArray(value)) return { result: value as AnyResult, isRepeat: true };
  const [code] = value as unknown[];
  if (typeof code !== "string" || !isErrorCode(code))
    throw new QuarryError("Damaged", `a refusal ${String(code)} is remembered that is none`);
  const words = `this change was refused (${code}) when it was asked for first`;
  return { refusal: new QuarryError(code, words), isRepeat: true };
}

const lost = () =>
  new QuarryError(
    "AnswerLost",
    "the change was made when it was asked for first; its answer was too large to be kept: look",
  );
