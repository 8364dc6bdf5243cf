/** GET /?quarry-state: the next piece of a reading of the whole metadata, for backups. */
import { limits } from "../../base/limits.ts";
import type { Answer } from "../answer.ts";
import type { Call } from "../call.ts";
import { S3Error } from "../s3/errors.ts";

export async function statePiece(call: Call): Promise<Answer> {
  const reading = numberIn(call, "x-quarry-reading");
  const offset = numberIn(call, "x-quarry-offset") ?? 0;
  const piece = await call.store.names.statePiece({
    ...(reading !== undefined && { reading }),
    offset,
  });
  const { bytes } = piece;
  const headers = {
    "Content-Type": "application/octet-stream",
    "x-quarry-reading": String(piece.reading),
    "x-quarry-last": String(piece.last),
  };
  if (bytes.length === 0) return { status: 200, headers, body: { kind: "empty" } };
  const body = { kind: "bytes", lengthBytes: bytes.length, bytes: once(bytes) } as const;
  return { status: 200, headers, body };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += limits.copyBytes)
    yield bytes.subarray(at, at + limits.copyBytes);
}

function numberIn(call: Call, name: string): number | undefined {
  const text = call.target.query.get(name);
  if (text === undefined) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new S3Error("InvalidArgument", `${name} is no number.`);
  return value;
}
