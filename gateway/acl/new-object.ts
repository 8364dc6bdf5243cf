/** Who will own an object that is being written, and its list. */
import type { IncomingHttpHeaders } from "node:http";
import type { Grant, ObjectAttributes } from "../../rpc/objects.ts";
import { bucketOf, type Call } from "../call.ts";
import { S3Error } from "../s3/errors.ts";
import { aclOfHeaders, asksForAcl } from "./acl-headers.ts";
import { kept } from "./canned.ts";

export type Ownership = Required<Pick<ObjectAttributes, "owner">> & Pick<ObjectAttributes, "acl">;

/**
 * Who writes it owns it, unless the bucket's ownership says otherwise. `headers` ask for the list.
 * @throws S3Error `AccessControlListNotSupported` where the owner of the bucket switched lists off.
 */
export function ownershipOf(
  call: Pick<Call, "bucket" | "identity" | "store">,
  headers: IncomingHttpHeaders,
): Ownership | Promise<Ownership> {
  const bucket = bucketOf(call);
  const enforced = bucket.ownership === "BucketOwnerEnforced";
  const writer = enforced ? bucket.owner : call.identity.id;
  return asksForAcl(headers) ? askedFor(call, headers, writer) : { owner: writer };
}

async function askedFor(
  call: Pick<Call, "bucket" | "identity" | "store">,
  headers: IncomingHttpHeaders,
  writer: string,
): Promise<Ownership> {
  const bucket = bucketOf(call);
  const enforced = bucket.ownership === "BucketOwnerEnforced";
  const owners = { owner: writer, bucketOwner: bucket.owner };
  const grants = (await aclOfHeaders(headers, call.store.names, owners)) ?? [];
  const canned = headers["x-amz-acl"];
  const givesAll = canned === "bucket-owner-full-control";
  if (enforced && !givesAll && (canned !== undefined || !onlyFor(grants, bucket.owner)))
    throw new S3Error("AccessControlListNotSupported");
  if (enforced || (bucket.ownership === "BucketOwnerPreferred" && givesAll))
    return { owner: bucket.owner };
  const acl = kept(grants, writer);
  return acl === undefined ? { owner: writer } : { owner: writer, acl };
}

/** Whether the list that headers spell out says what holds where lists are switched off. */
function onlyFor(grants: readonly Grant[], bucketOwner: string): boolean {
  return grants.length > 0 && kept(grants, bucketOwner) === undefined;
}
