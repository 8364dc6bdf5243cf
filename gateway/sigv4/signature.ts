/** The arithmetic of SigV4: canonical request → string to sign → signature. Pure. */
import { hash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { S3Error } from "../s3/errors.ts";
import { canonicalQuery, type Target } from "../target.ts";
import { ALGORITHM, type Claim } from "./credential-scope.ts";
import type { SigningKey } from "./signing-key.ts";

/** SHA-256 of nothing, in hex. */
export const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/**
 * Inner runs of spaces made one, blanks around taken off. Blanks only: String.trim() takes bytes
 * such as A0 too, and a value with one would pass for the value that was signed without.
 */
function canonicalValue(value: string): string {
  const single = value.includes("  ") ? value.replace(/ {2,}/g, " ") : value;
  return /^[ \t]|[ \t]$/.test(single) ? single.replace(/^[ \t]+|[ \t]+$/g, "") : single;
}

/** Throws SignatureDoesNotMatch when a signed x-amz-* header is absent. */
function canonicalHeaders(signedHeaders: string, headers: IncomingHttpHeaders): string {
  let out = "";
  for (let from = 0; from <= signedHeaders.length; ) {
    const semicolon = signedHeaders.indexOf(";", from);
    const to = semicolon < 0 ? signedHeaders.length : semicolon;
    const name = signedHeaders.slice(from, to);
    // A header may be called like a property of all objects.
    const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
    // Others that are absent count as empty (clients sign some that proxies take away), but a wish
    // that was signed cannot be left out on the way.
    if (value === undefined && name.startsWith("x-amz-"))
      throw new S3Error("SignatureDoesNotMatch", `The signed header ${name} was not sent.`);
    const text = typeof value === "string" ? value : (value?.join(",") ?? "");
    out += `${name}:${canonicalValue(text)}\n`;
    from = to + 1;
  }
  return out;
}

export function canonicalRequest(
  method: string,
  target: Target,
  headers: IncomingHttpHeaders,
  claim: Claim,
  payloadHash: string,
): string {
  const query = canonicalQuery(
    target.query,
    claim.expiresS === undefined ? undefined : "X-Amz-Signature",
  );
  const signed = canonicalHeaders(claim.signedHeaders, headers);
  return `${method}\n${target.canonicalPath}\n${query}\n${signed}\n${claim.signedHeaders}\n${payloadHash}`;
}

/** In hex. Header values are latin1: one character is the one byte that the client signed. */
export function signatureOf(key: SigningKey, claim: Claim, canonical: string): string {
  const digest = hash("sha256", Buffer.from(canonical, "latin1"), "hex");
  return key.sign(`${ALGORITHM}\n${claim.timestamp}\n${claim.scope}\n${digest}`);
}

const HEX_LENGTH = 64;
const expectedBytes = Buffer.alloc(HEX_LENGTH);
const givenBytes = Buffer.alloc(HEX_LENGTH);

/** Compares two in hex without telling by its time how much was right. */
export function sameSignature(expected: string, given: string): boolean {
  if (given.length !== HEX_LENGTH || expected.length !== HEX_LENGTH) return false;
  expectedBytes.write(expected);
  // What is not ASCII has bytes that hex has not, or does not fit: then nothing is left of the one before.
  givenBytes.fill(0).write(given.toLowerCase());
  return timingSafeEqual(expectedBytes, givenBytes);
}
