/**
 * Lets a form in: reads its fields, proves who signed its policy and holds the fields to it. What
 * the signer may do is judged afterwards as for any other request: a form gives no right that its
 * signer has not. The bucket is the one of the URL, never one that the form names.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { NameService } from "../../rpc/name-service.ts";
import { type Admitted, credentialsOf } from "../admitted.ts";
import { anonymous } from "../identity.ts";
import { S3Error } from "../s3/errors.ts";
import type { Verifier } from "../sigv4/authenticate.ts";
import { checkKeyLength, type Target } from "../target.ts";
import { headersOfForm } from "./form-headers.ts";
import { formClaimOf, proveForm } from "./form-signature.ts";
import { judgePolicy, parsePolicy } from "./policy.ts";
import { readForm } from "./read-form.ts";

export interface FormRequest {
  readonly headers: IncomingHttpHeaders;
  readonly target: Target;
  readonly body: AsyncIterator<Uint8Array, unknown>;
}

export async function admitForm(
  { headers, target, body }: FormRequest,
  names: Pick<NameService, "access">,
  verifier: Verifier,
  nowMs: number,
): Promise<Admitted> {
  const { fields, file } = await readForm(headers["content-type"], body);
  const claim = formClaimOf(fields);
  const { user, bucket } = await names.access({
    ...(claim !== undefined && { accessKey: claim.accessKey }),
    bucket: target.bucket,
  });
  const identity = claim === undefined ? anonymous : proveForm(claim, user, verifier, nowMs);
  const named = fields.get("bucket");
  if (named !== undefined && named !== target.bucket)
    throw new S3Error("AccessDenied", "The form names another bucket than the one it is sent to.");
  let limits = { minBytes: 0, maxBytes: Number.POSITIVE_INFINITY };
  if (claim !== undefined) {
    const policy = parsePolicy(claim.policy);
    judgePolicy(policy, fields, target.bucket, nowMs);
    limits = policy;
  }
  const key = fields.get("key") ?? "";
  if (key === "") throw new S3Error("UserKeyMustBeSpecified");
  checkKeyLength(key);
  return {
    identity,
    ...credentialsOf(claim, user),
    bucket,
    target: { ...target, key },
    headers: headersOfForm(fields, headers),
    plan: { kind: "file", minBytes: limits.minBytes, maxBytes: limits.maxBytes },
    bytes: file,
    form: fields,
  };
}
