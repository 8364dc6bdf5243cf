/** Answers and failures as they travel: a msgpack header, and raw bytes beside it. */
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { encodeHeader } from "./codec.ts";
import { Compacted } from "./compacted.ts";
import { NotLeader } from "./not-leader.ts";

const FAILURE_CHARACTERS = 4096;

export interface EncodedAnswer {
  readonly header: Buffer;
  readonly payload: Uint8Array | undefined;
}

/** Takes the raw field out of an answer that has it. Throws `TooLarge`. */
export function encodeAnswer(answer: unknown, rawField: string | undefined): EncodedAnswer {
  if (rawField === undefined || typeof answer !== "object" || answer === null)
    return { header: encodeHeader(answer), payload: undefined };
  const { [rawField]: raw, ...rest } = answer as Record<string, unknown>;
  if (!(raw instanceof Uint8Array)) return { header: encodeHeader(answer), payload: undefined };
  if (raw.length > limits.rpcPayloadBytes)
    throw new QuarryError("TooLarge", `${raw.length} bytes are too many for one message`);
  return { header: encodeHeader(rest), payload: raw };
}

export function encodeFailure(error: QuarryError): Buffer {
  const failure = [error.code, error.message.slice(0, FAILURE_CHARACTERS)];
  if (error instanceof Compacted) return encodeHeader([...failure, error.oldest]);
  const leader = error instanceof NotLeader ? error.leader : undefined;
  return encodeHeader(leader === undefined ? failure : [...failure, leader.node, leader.address]);
}
