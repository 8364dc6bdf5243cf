/** What a signature says about itself, in the Authorization header or in the query; parsed, not believed. */
import { S3Error, type S3ErrorCode } from "../s3/errors.ts";

export interface CredentialScope {
  readonly accessKey: string;
  /** `YYYYMMDD`. */
  readonly date: string;
  readonly region: string;
  readonly scope: string;
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly timestamp: string;
}

export interface Claim extends CredentialScope {
  /** As sent: lower case, joined with `;`. */
  readonly signedHeaders: string;
  readonly signature: string;
  /** Seconds that a presigned URL lives; absent for a header. */
  readonly expiresS?: number;
}

export const ALGORITHM = "AWS4-HMAC-SHA256";
/** Seconds; AWS's maximum for a presigned URL. */
const MAX_EXPIRES_S = 7 * 24 * 3600;

const timestampForm = /^\d{8}T\d{6}Z$/;
/** As nearly all write it. */
const usualForm =
  /^AWS4-HMAC-SHA256 Credential=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([^,\s]+)$/;
const headersForm = /^[a-z0-9!#$%&'*+.^_`|~-]+(;[a-z0-9!#$%&'*+.^_`|~-]+)*$/;

interface Words {
  readonly credential: string;
  readonly timestamp: string;
  readonly signedHeaders: string;
  readonly signature: string;
}

function claimOf(words: Words, code: S3ErrorCode): Claim {
  const scope = scopeOf(words.credential, words.timestamp, code);
  if (!headersForm.test(words.signedHeaders) || !`;${words.signedHeaders};`.includes(";host;"))
    throw new S3Error(code, "SignedHeaders must be lower-case names, host among them.");
  return { ...scope, signedHeaders: words.signedHeaders, signature: words.signature };
}

/** What a credential names; clients send the same one all day, so that of the last is kept. */
type Named = Omit<CredentialScope, "timestamp">;
let lastCredential = "";
let lastNamed: Named | undefined;

function namedBy(credential: string): Named | undefined {
  if (credential === lastCredential) return lastNamed;
  // The access key may contain slashes; the scope behind it has exactly four parts.
  const parts = credential.split("/");
  const [date = "", region = "", service = "", end = ""] = parts.splice(-4);
  const accessKey = parts.join("/");
  if (accessKey === "" || end !== "aws4_request" || service !== "s3" || !/^\d{8}$/.test(date))
    return undefined;
  lastCredential = credential;
  lastNamed = { accessKey, date, region, scope: `${date}/${region}/s3/aws4_request` };
  return lastNamed;
}

/** The two texts of a signature that say with which key it was made. */
export function scopeOf(credential: string, timestamp: string, code: S3ErrorCode): CredentialScope {
  const named = namedBy(credential);
  if (named === undefined)
    throw new S3Error(
      code,
      'The credential is mal-formed; expecting "<access key>/YYYYMMDD/<region>/s3/aws4_request".',
    );
  if (!timestampForm.test(timestamp))
    throw new S3Error("AccessDenied", "A valid x-amz-date (YYYYMMDDTHHMMSSZ) is required.");
  if (!timestamp.startsWith(named.date))
    throw new S3Error(code, "The date of the credential is not the date of x-amz-date.");
  return { ...named, timestamp };
}

/** `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`, in any order, each once. */
export function claimOfHeader(authorization: string, timestamp: string | undefined): Claim {
  if (!authorization.startsWith(`${ALGORITHM} `))
    throw new S3Error(
      "InvalidRequest",
      `The authorization mechanism you have provided is not supported. Please use ${ALGORITHM}.`,
    );
  const [, credential, signedHeaders, signature] = usualForm.exec(authorization) ?? [
    "",
    ...wordsOf(authorization),
  ];
  if (credential === undefined || signedHeaders === undefined || signature === undefined)
    throw new S3Error(
      "AuthorizationHeaderMalformed",
      "The authorization header requires three components: Credential, SignedHeaders, and Signature.",
    );
  return claimOf(
    { credential, timestamp: timestamp ?? "", signedHeaders, signature },
    "AuthorizationHeaderMalformed",
  );
}

/** Credential, SignedHeaders and Signature, in any order and among others. */
function wordsOf(authorization: string): (string | undefined)[] {
  const found = new Map<string, string>();
  for (const piece of authorization.slice(ALGORITHM.length + 1).split(",")) {
    const equals = piece.indexOf("=");
    const name = piece.slice(0, Math.max(equals, 0)).trim();
    if (name === "" || found.has(name)) throw new S3Error("AuthorizationHeaderMalformed");
    found.set(name, piece.slice(equals + 1).trim());
  }
  return ["Credential", "SignedHeaders", "Signature"].map((name) => found.get(name));
}

/** `X-Amz-Algorithm`, `-Credential`, `-Date`, `-Expires`, `-SignedHeaders`, `-Signature`. */
export function claimOfQuery(query: ReadonlyMap<string, string>): Claim {
  const code = "AuthorizationQueryParametersError";
  if (query.get("X-Amz-Algorithm") !== ALGORITHM)
    throw new S3Error(code, `X-Amz-Algorithm only supports "${ALGORITHM}".`);
  const take = (name: string): string => {
    const value = query.get(name);
    if (value === undefined || value === "")
      throw new S3Error(code, `Query-string authentication requires the parameter ${name}.`);
    return value;
  };
  const expires = take("X-Amz-Expires");
  const expiresS = /^\d{1,7}$/.test(expires) ? Number(expires) : -1;
  // What lives for no time has expired, and what would live for longer was never valid: 403, not 400.
  if (expiresS < 1 || expiresS > MAX_EXPIRES_S)
    throw new S3Error(
      "AccessDenied",
      "X-Amz-Expires must be a number of seconds from 1 to 604800.",
    );
  const words = {
    credential: take("X-Amz-Credential"),
    timestamp: take("X-Amz-Date"),
    signedHeaders: take("X-Amz-SignedHeaders"),
    signature: take("X-Amz-Signature"),
  };
  return { ...claimOf(words, code), expiresS };
}

/** Requests of one second have one timestamp. */
let lastTimestamp = "";
let lastTimeMs = Number.NaN;

/** Milliseconds since 1970 of a `YYYYMMDDTHHMMSSZ`; NaN for a day or hour that does not exist. */
export function timeOf(timestamp: string): number {
  if (timestamp !== lastTimestamp) {
    lastTimeMs = parsedTime(timestamp);
    lastTimestamp = timestamp;
  }
  return lastTimeMs;
}

function parsedTime(timestamp: string): number {
  const part = (from: number, to: number) => timestamp.slice(from, to);
  return Date.parse(
    `${part(0, 4)}-${part(4, 6)}-${part(6, 8)}T${part(9, 11)}:${part(11, 13)}:${part(13, 15)}Z`,
  );
}
