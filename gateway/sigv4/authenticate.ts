/**
 * Who sent this request, proved by its signature, and how its payload is to be checked. Pure: the
 * time and the secrets come as parameters. Whatever the kind of payload, the head's signature is
 * always verified; nothing but what it covers is believed.
 */
import type { IncomingHttpHeaders } from "node:http";
import { anonymous, type Identity } from "../identity.ts";
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
  /** The file of a form, of which only the limits are known. */
  | { readonly kind: "file"; readonly minBytes: number; readonly maxBytes: number }
  /** `aws-chunked`; without signatures it ends with a trailer. */
  | { readonly kind: "chunked"; readonly trailer: boolean; readonly signatures?: ChunkSignatures };

export interface SignedHead {
  readonly method: string;
  readonly target: Target;
  readonly headers: IncomingHttpHeaders;
}

export interface Verifier {
  readonly keys: SigningKeys;
  readonly region: string;
}

const SKEW_MS = 15 * 60_000;
const sha256Form = /^[0-9a-f]{64}$/;

/** The user that an access key stands for. */
export interface Signer extends Identity {
  readonly secretKey: string;
}

export interface Authenticated {
  readonly identity: Identity;
  readonly payload: PayloadPlan;
}

/** Proves the claim. `signer` is the user of its access key, if there is one. */
export function authenticate(
  head: SignedHead,
  claim: Claim,
  signer: Signer | undefined,
  { keys, region }: Verifier,
  nowMs: number,
): Authenticated {
  const { headers, target } = head;
  checkRegion(claim, region);
  if (headers["x-amz-security-token"] !== undefined || target.query.has("X-Amz-Security-Token"))
    throw new S3Error("InvalidToken");
  if (signer === undefined) throw new S3Error("InvalidAccessKeyId");
  checkTime(claim, nowMs);
  checkAllSigned(headers, claim.signedHeaders);
  const presigned = claim.expiresS !== undefined;
  const inQuery = presigned ? hashInQuery(target.query) : undefined;
  const payloadHash = payloadHashOf(headers["x-amz-content-sha256"] ?? inQuery, presigned);
  const key = keys.get(claim.accessKey, signer.secretKey, claim.date, claim.region);
  const canonical = canonicalRequest(head.method, target, headers, claim, payloadHash);
  if (!sameSignature(signatureOf(key, claim, canonical), claim.signature))
    throw new S3Error("SignatureDoesNotMatch");
  return {
    identity: signer,
    payload: planOf(payloadHash, () => new ChunkSignatures(key, claim)),
  };
}

/** A request that claims to be nobody's. Its body can be whole or end with a trailer, unsigned. */
export function withoutSignature({ headers }: SignedHead): Authenticated {
  const payloadHash = payloadHashOf(headers["x-amz-content-sha256"], true);
  const payload = planOf(payloadHash, () => {
    throw new S3Error("AccessDenied");
  });
  return { identity: anonymous, payload };
}

/** Who the request says it is from; undefined for one without any signature. */
export function claimOf({ headers, target }: SignedHead): Claim | undefined {
  const { authorization } = headers;
  if (target.query.has("X-Amz-Signature") || target.query.has("X-Amz-Algorithm")) {
    if (authorization !== undefined)
      throw new S3Error("InvalidArgument", "Sign in the header or in the query, not in both.");
    return claimOfQuery(target.query);
  }
  if (authorization === undefined) {
    if (target.query.has("Signature") || target.query.has("AWSAccessKeyId"))
      throw new S3Error(
        "InvalidRequest",
        "Signature version 2 is not supported. Please use AWS4-HMAC-SHA256: aws configure set default.s3.signature_version s3v4; or in boto3 Config(signature_version='s3v4').",
      );
    return undefined;
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

/** A presigned URL may promise its body's hash as a parameter, which signers spell either way. */
function hashInQuery(query: ReadonlyMap<string, string>): string | undefined {
  return query.get("X-Amz-Content-Sha256") ?? query.get("x-amz-content-sha256");
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
