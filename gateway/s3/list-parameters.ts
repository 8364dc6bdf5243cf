/** Parameters that the list verbs share: counts, tokens, the encoding of keys. */
import { encodeKey } from "../percent.ts";
import { S3Error } from "./errors.ts";

type Query = ReadonlyMap<string, string>;

/** A whole number of at least `min`; what is above `max` is taken as `max`. */
export function countParameter(query: Query, name: string, max: number, min = 0): number {
  const text = query.get(name);
  if (text === undefined || text === "") return max;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value) || value < min || value > 2 ** 31 - 1)
    throw new S3Error(
      "InvalidArgument",
      `Argument ${name} must be an integer between ${min} and 2147483647`,
      {
        ArgumentName: name,
        ArgumentValue: text,
      },
    );
  return Math.min(value, max);
}

/** How keys are written: as they are, or percent-encoded for characters that XML cannot carry. */
export function keyEncoder(query: Query): { encode(text: string): string; readonly name?: string } {
  const name = query.get("encoding-type");
  if (name === undefined || name === "") return { encode: (text) => text };
  if (name !== "url")
    throw new S3Error("InvalidArgument", "Invalid Encoding Method specified in Request", {
      ArgumentName: "encoding-type",
      ArgumentValue: name,
    });
  return { encode: encodeKey, name };
}

/** Tokens are opaque to clients: the last name of the page before. */
export function encodeToken(last: string): string {
  return Buffer.from(last, "utf8").toString("base64url");
}

/** Undefined for an absent or empty token. */
export function decodeToken(token: string | undefined): string | undefined {
  if (token === undefined || token === "") return undefined;
  const text = Buffer.from(token, "base64url").toString("utf8");
  if (encodeToken(text) !== token)
    throw new S3Error("InvalidArgument", "The continuation token provided is incorrect");
  return text;
}
