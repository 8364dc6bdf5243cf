/** The arithmetic of SigV4: canonical request → string to sign → signature. Pure. */
import { createHmac, hash, type KeyObject, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { canonicalQuery, type Target } from "../target.ts";
import { ALGORITHM, type Claim } from "./credential-scope.ts";

/** SHA-256 of nothing, in hex. */
export const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** Trimmed, inner runs of spaces made one. */
function canonicalValue(value: string): string {
  return value.includes("  ") ? value.trim().replace(/ {2,}/g, " ") : value.trim();
}

function canonicalHeaders(signedHeaders: string, headers: IncomingHttpHeaders): string {
  let out = "";
  for (let from = 0; from <= signedHeaders.length; ) {
    const semicolon = signedHeaders.indexOf(";", from);
    const to = semicolon < 0 ? signedHeaders.length : semicolon;
    const name = signedHeaders.slice(from, to);
    const value = headers[name];
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

/** Header values are latin1: one character is the one byte that the client signed. */
export function signatureOf(key: KeyObject, claim: Claim, canonical: string): Buffer {
  const digest = hash("sha256", Buffer.from(canonical, "latin1"), "hex");
  return createHmac("sha256", key)
    .update(`${ALGORITHM}\n${claim.timestamp}\n${claim.scope}\n${digest}`)
    .digest();
}

/** Compares without telling by its time how much was right. */
export function sameSignature(expected: Buffer, hex: string): boolean {
  if (hex.length !== expected.length * 2) return false;
  const given = Buffer.from(hex, "hex");
  return given.length === expected.length && timingSafeEqual(expected, given);
}
