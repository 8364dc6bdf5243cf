/**
 * Who signed the policy of a form. Version 4 as everywhere; version 2 (HMAC-SHA1 over the policy) is
 * accepted here and nowhere else, see docs/decisions/0007. Pure.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Identity } from "../identity.ts";
import { S3Error } from "../s3/errors.ts";
import type { Signer, Verifier } from "../sigv4/authenticate.ts";
import { ALGORITHM, type CredentialScope, scopeOf, timeOf } from "../sigv4/credential-scope.ts";
import { sameSignature } from "../sigv4/signature.ts";

export type FormClaim = {
  readonly accessKey: string;
  /** base64, as sent: this text is what was signed. */
  readonly policy: string;
  readonly signature: string;
} & ({ readonly version: 2 } | { readonly version: 4; readonly scope: CredentialScope });

const DAY_MS = 24 * 3_600_000;
/** A signing key is good for this long, as for presigned URLs. */
const LONGEST_MS = 7 * DAY_MS;
const SKEW_MS = 15 * 60_000;

const version2 = ["awsaccesskeyid", "signature"];
const version4 = ["x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"];

/** What a form says of its signer; undefined for one without any policy and signature. */
export function formClaimOf(fields: ReadonlyMap<string, string>): FormClaim | undefined {
  const has2 = version2.some((name) => fields.has(name));
  const has4 = version4.some((name) => fields.has(name));
  if (!has2 && !has4 && !fields.has("policy")) return undefined;
  if (has2 && has4) throw new S3Error("InvalidArgument", "Sign a form once, with version 4 or 2.");
  if (fields.has("x-amz-security-token")) throw new S3Error("InvalidToken");
  const take = (name: string) => {
    const value = fields.get(name);
    if (value === undefined || value === "")
      throw new S3Error(
        "InvalidArgument",
        `Bucket POST must contain a field named '${name}'. If it is specified, please check the order of the fields.`,
        { ArgumentName: name },
      );
    return value;
  };
  const policy = take("policy");
  if (!has4)
    return {
      version: 2,
      policy,
      accessKey: take("awsaccesskeyid"),
      signature: take("signature"),
    };
  if (take("x-amz-algorithm") !== ALGORITHM)
    throw new S3Error("InvalidArgument", `x-amz-algorithm must be ${ALGORITHM}.`);
  const scope = scopeOf(take("x-amz-credential"), take("x-amz-date"), "InvalidArgument");
  const signature = take("x-amz-signature");
  return { version: 4, policy, accessKey: scope.accessKey, scope, signature };
}

/** @throws S3Error unless `signer`, the user of the claim's access key, signed the policy. */
export function proveForm(
  claim: FormClaim,
  signer: Signer | undefined,
  { keys, region }: Verifier,
  nowMs: number,
): Identity {
  if (claim.version === 4) checkScope(claim.scope, region, nowMs);
  if (signer === undefined) throw new S3Error("InvalidAccessKeyId");
  const { accessKey, policy, signature } = claim;
  const { secretKey } = signer;
  let same: boolean;
  if (claim.version === 4) {
    const key = keys.get(accessKey, secretKey, claim.scope.date, claim.scope.region);
    same = sameSignature(key.sign(policy), signature);
  } else {
    const expected = createHmac("sha1", secretKey).update(policy).digest();
    const given = Buffer.from(signature, "base64");
    same = given.length === expected.length && timingSafeEqual(expected, given);
  }
  if (!same) throw new S3Error("SignatureDoesNotMatch");
  return signer;
}

function checkScope(scope: CredentialScope, region: string, nowMs: number): void {
  if (scope.region !== region)
    throw new S3Error(
      "AuthorizationQueryParametersError",
      `The region '${scope.region}' is wrong; expecting '${region}'.`,
      { Region: region },
    );
  const ageMs = nowMs - timeOf(scope.timestamp);
  // not "too old or too new": NaN is neither
  if (!(ageMs <= LONGEST_MS && ageMs >= -SKEW_MS))
    throw new S3Error("AccessDenied", "x-amz-date must be of the last seven days.");
}
