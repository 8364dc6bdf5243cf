/** A scheme (k, m): k pieces of data and m of parity; any k of the k + m give the data back. */
import { QuarryError } from "../base/errors.ts";

/** Most pieces of one scheme: GF(2^8) has 256 elements and each piece takes one of them. */
export const MAX_PIECES = 256;

export interface Scheme {
  /** k: how many pieces the data is cut into. */
  readonly data: number;
  /** m: how many pieces can be lost. */
  readonly parity: number;
}

/** A checked scheme. Throws `InvalidArgument` that says what was given and what is needed. */
export function schemeOf(data: number, parity: number): Scheme {
  for (const [name, count] of [
    ["k (data pieces)", data],
    ["m (parity pieces)", parity],
  ] as const)
    if (!Number.isInteger(count) || count < 1)
      throw invalid(`${name} is ${count}; give a whole number of at least 1`);
  if (data + parity > MAX_PIECES)
    throw invalid(
      `${data}+${parity} are ${data + parity} pieces; GF(2^8) has room for ${MAX_PIECES}: lower k or m`,
    );
  return { data, parity };
}

/** Reads `4+2`. */
export function parseScheme(text: string): Scheme {
  const [, data, parity] = /^(\d{1,3})\+(\d{1,3})$/.exec(text) ?? [];
  if (data === undefined || parity === undefined)
    throw invalid(`"${text}" is no scheme; write data+parity, for example 4+2`);
  return schemeOf(Number(data), Number(parity));
}

export const showScheme = ({ data, parity }: Scheme): string => `${data}+${parity}`;

export const pieceCount = ({ data, parity }: Scheme): number => data + parity;

/** Length of each piece of a content of `lengthBytes`: the last data piece is padded with zeros. */
export const pieceBytesOf = ({ data }: Scheme, lengthBytes: number): number =>
  Math.ceil(lengthBytes / data);

function invalid(message: string): QuarryError {
  return new QuarryError("InvalidArgument", message);
}
