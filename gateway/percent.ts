/** Percent-encoding, exactly once each way. Text stands for bytes: one character per byte (latin1). */
import { S3Error } from "./s3/errors.ts";

const UPPER = "0123456789ABCDEF";

/** RFC 3986 unreserved characters, which AWS leaves as they are; 1 in the table. */
const unreserved = new Uint8Array(256);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
  unreserved[char.charCodeAt(0)] = 1;

const escapes: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => `%${UPPER[byte >> 4] ?? ""}${UPPER[byte & 15] ?? ""}`,
);

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** Encodes the bytes of a latin1 text as AWS's UriEncode does; `keepSlash` for paths. */
export function encodeBytes(latin1: string, keepSlash: boolean): string {
  let plain = true;
  for (let i = 0; i < latin1.length && plain; i++) {
    const code = latin1.charCodeAt(i);
    plain = unreserved[code] === 1 || (keepSlash && code === 47);
  }
  if (plain) return latin1;
  let out = "";
  for (let i = 0; i < latin1.length; i++) {
    const code = latin1.charCodeAt(i);
    const same = unreserved[code] === 1 || (keepSlash && code === 47);
    out += same ? latin1[i] : escapes[code & 255];
  }
  return out;
}

/** Encodes the UTF-8 bytes of a text, `/` kept: for `encoding-type=url` and locations. */
export function encodeKey(text: string): string {
  return encodeBytes(Buffer.from(text, "utf8").toString("latin1"), true);
}

/** Encodes the UTF-8 bytes of a text, `/` too: for names and values of a query. */
export function encodeText(text: string): string {
  return encodeBytes(Buffer.from(text, "utf8").toString("latin1"), false);
}

/** The bytes that a percent-encoded text stands for, as latin1; `+` becomes a space if asked. */
export function decodeBytes(encoded: string, plusIsSpace: boolean): string {
  if (!encoded.includes("%") && !(plusIsSpace && encoded.includes("+"))) return encoded;
  let out = "";
  for (let i = 0; i < encoded.length; i++) {
    const code = encoded.charCodeAt(i);
    if (code === 37) {
      const high = hexDigit(encoded.charCodeAt(i + 1));
      const low = hexDigit(encoded.charCodeAt(i + 2));
      if (high < 0 || low < 0)
        throw new S3Error("InvalidURI", "A percent sign is not followed by two hex digits.");
      out += String.fromCharCode(high * 16 + low);
      i += 2;
    } else out += plusIsSpace && code === 43 ? " " : encoded[i];
  }
  return out;
}

/**
 * One spelling for each path: every byte encoded as AWS encodes it. `%2F` stays apart from `/`, and
 * nothing else of the path is normalised: `..` and `//` are parts of keys.
 */
export function canonicalPath(encoded: string): string {
  if (!encoded.includes("%")) return encodeBytes(encoded, true);
  return encoded
    .split("/")
    .map((segment) => encodeBytes(decodeBytes(segment, false), false))
    .join("/");
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** biome-ignore lint/suspicious/noControlCharactersInRegex: the range is all of ASCII */
const ascii = /^[\x00-\x7f]*$/;

/** The text that latin1-carried UTF-8 bytes mean, or undefined if they are not UTF-8. */
export function utf8Of(latin1: string): string | undefined {
  if (ascii.test(latin1)) return latin1;
  try {
    return strict.decode(Buffer.from(latin1, "latin1"));
  } catch {
    return undefined;
  }
}

/** UTF-8 bytes of a text carried as latin1: how header values go on the wire. */
export function latin1Of(text: string): string {
  return ascii.test(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}

/** biome-ignore lint/suspicious/noControlCharactersInRegex: control characters end or forge headers */
const unsafe = /[\x00-\x08\x0a-\x1f\x7f]/;

/** Whether a text can be the value of a header. */
export const fitsHeader = (text: string): boolean => !unsafe.test(text);

/** A kept content type as a header. Programs that are no HTTP clients may have given any text. */
export function typeHeader(kept: string | undefined, otherwise: string): string {
  return kept !== undefined && fitsHeader(kept) ? latin1Of(kept) : otherwise;
}
