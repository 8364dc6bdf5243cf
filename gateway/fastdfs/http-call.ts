/** One admitted request of the HTTP face of FastDFS ids: what its verb needs. */
import type { IncomingMessage } from "node:http";
import type { Body } from "../../client/store.ts";
import type { Identity } from "../identity.ts";
import { S3Error } from "../s3/errors.ts";
import type { Files } from "./files.ts";

export interface HttpCall {
  readonly request: IncomingMessage;
  readonly files: Files;
  readonly group: string;
  /** Empty for the group itself. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  readonly identity: Identity;
  /** The address that names of new files tell. */
  readonly source: string;
  /** Ends only if it may be stored then, too. */
  readonly body: Body;
}

/** A parameter that is a number of bytes. */
export function bytesParameter({ query }: HttpCall, name: string): number | undefined {
  const text = query.get(name);
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text))
    throw new S3Error("InvalidArgument", `The parameter ${name} is a whole number of bytes.`);
  return Number(text);
}

/** All of a body that is small. */
export async function smallBody({ body }: HttpCall, maxBytes: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let lengthBytes = 0;
  for await (const piece of body.bytes) {
    lengthBytes += piece.length;
    if (lengthBytes > maxBytes) throw new S3Error("EntityTooLarge");
    pieces.push(Buffer.from(piece));
  }
  return Buffer.concat(pieces);
}
