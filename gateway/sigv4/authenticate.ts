/**
 * Who sent this request, proved by its signature, and how its payload is to be checked. Pure: the
 * time and the secrets come as parameters. Whatever the kind of payload, the head's signature is
 * always verified; nothing but what it covers is believed.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { Credentials, Identity } from "../credentials.ts";
import { S3Error } from "../s3/errors.ts";
import type { Target } from "../target.ts";
import { ChunkSignatures } from "./chunk-signature.ts";
import { type Claim, claimOfHeader, claimOfQuery, timeOf } from "./credential-scope.ts";
import { canonicalRequest, sameSignature, signatureOf } from "./signature.ts";
import type { SigningKeys } from "./signing-key.ts";

export type PayloadPlan =
  | { readonly kind: "unsigned" }
  /** The whole body has this SHA-256, in hex. */
  | { readonly kind: "exact"; readonly sha256: string }
  /** `aws-chunked`; without signatures it ends with a trailer. */
  | { readonly kind: "chunked"; readonly trailer: boolean; readonly signatures?: ChunkSignatures };

export interface SignedHead {
  readonly method: string;
  readonly target: Target;
  readonly headers: IncomingHttpHeaders;
}

export interface Verifier {
  readonly credentials: Credentials;
  readonly keys: SigningKeys;
  readonly region: string;
}

export interface Authenticated {
  readonly identity: Identity;
  readonly payload: PayloadPlan;
  readonly presigned: boolean;
}

const SKEW_MS = 15 * 60_000;
const sha256Form = /^[0-9a-f]{64}$/;

export function authenticate(head: SignedHead, verifier: Verifier, nowMs: number): Authenticated {
  const { headers, target } = head;
  const presigned = target.query.has("X-Amz-Signature") || target.query.has("X-Amz-Algorithm");
  const claim = claimOf(head, presigned);
  checkRegion(claim, verifier.region);
  if (headers["x-amz-security-token"] !== undefined || target.query.has("X-Amz-Security-Token"))
    throw new S3Error("InvalidToken");
  const credential = verifier.credentials.lookup(claim.accessKey);
  if (credential === undefined) throw new S3Error("InvalidAccessKeyId");
  checkTime(claim, nowMs);
  checkAllSigned(headers, claim.signedHeaders);
  const payloadHash = payloadHashOf(headers["x-amz-content-sha256"], presigned);
  const key = verifier.keys.get(claim.accessKey, credential.secretKey, claim.date, claim.region);
  const canonical = canonicalRequest(head.method, target, headers, claim, payloadHash);
  if (!sameSignature(signatureOf(key, claim, canonical), claim.signature))
    throw new S3Error("SignatureDoesNotMatch");
  return {
    identity: credential,
    presigned,
    payload: planOf(payloadHash, () => new ChunkSignatures(key, claim)),
  };
}

function claimOf({ headers, target }: SignedHead, presigned: boolean): Claim {
  const { authorization } = headers;
  if (presigned) {
    if (authorization !== undefined)
      throw new S3Error("InvalidArgument", "Sign in the header or in the query, not in both.");
    return claimOfQuery(target.query);
  }
  if (authorization === undefined) {
    if (target.query.has("Signature") || target.query.has("AWSAccessKeyId"))
      throw new S3Error(
        "InvalidRequest",
        "Signature version 2 is not supported. Please use AWS4-HMAC-SHA256.",
      );
    throw new S3Error("AccessDenied");
  }
  const timestamp = headers["x-amz-date"];
  return claimOfHeader(authorization, typeof timestamp === "string" ? timestamp : undefined);
}

function checkRegion(claim: Claim, region: string): void {
  if (claim.region === region) return;
  const code =
    claim.expiresS === undefined
      ? "AuthorizationHeaderMalformed"
      : "AuthorizationQueryParametersError";
  throw new S3Error(code, `The region '${claim.region}' is wrong; expecting '${region}'.`, {
    Region: region,
  });
}

function checkTime(claim: Claim, nowMs: number): void {
  const signedMs = timeOf(claim.timestamp);
  if (Number.isNaN(signedMs)) throw new S3Error("AccessDenied", "x-amz-date names no time.");
  if (claim.expiresS === undefined) {
    if (Math.abs(nowMs - signedMs) > SKEW_MS)
      throw new S3Error("RequestTimeTooSkewed", undefined, {
        RequestTime: claim.timestamp,
        ServerTime: new Date(nowMs).toISOString(),
        MaxAllowedSkewMilliseconds: String(SKEW_MS),
      });
  } else if (signedMs - nowMs > SKEW_MS)
    throw new S3Error("AccessDenied", "Request is not valid yet.");
  else if (nowMs > signedMs + claim.expiresS * 1000)
    throw new S3Error("AccessDenied", "Request has expired.", {
      "X-Amz-Expires": String(claim.expiresS),
      ServerTime: new Date(nowMs).toISOString(),
    });
}

/** Every x-amz-* header must be under the signature: an unsigned one was added on the way. */
function checkAllSigned(headers: IncomingHttpHeaders, signedHeaders: string): void {
  const signed = `;${signedHeaders};`;
  for (const name in headers)
    if (name.startsWith("x-amz-") && !signed.includes(`;${name};`))
      throw new S3Error(
        "AccessDenied",
        "There were headers present in the request which were not signed",
        { HeadersNotSigned: name },
      );
}

function payloadHashOf(header: string | string[] | undefined, presigned: boolean): string {
  if (typeof header === "string") return header;
  if (presigned) return "UNSIGNED-PAYLOAD";
  throw new S3Error(
    "InvalidRequest",
    "Missing required header for this request: x-amz-content-sha256",
  );
}

function planOf(payloadHash: string, signatures: () => ChunkSignatures): PayloadPlan {
  switch (payloadHash) {
    case "UNSIGNED-PAYLOAD":
      return { kind: "unsigned" };
    case "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
      return { kind: "chunked", trailer: true };
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
      return { kind: "chunked", trailer: false, signatures: signatures() };
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
      return { kind: "chunked", trailer: true, signatures: signatures() };
    default:
      if (sha256Form.test(payloadHash)) return { kind: "exact", sha256: payloadHash };
      if (payloadHash.startsWith("STREAMING-"))
        throw new S3Error("NotImplemented", `Bodies of kind ${payloadHash} are not implemented.`);
      throw new S3Error(
        "InvalidArgument",
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING-… value or a SHA-256 in hex.",
      );
  }
}
