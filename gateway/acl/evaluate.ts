/**
 * What an access control list allows, from who asks, who owns and what was granted alone. The owner
 * may do everything, whatever the list says: nobody can lock himself out.
 */
import { unreachable } from "../../base/errors.ts";
import type { BucketInfo, Grant, ObjectAttributes, Permission } from "../../rpc/objects.ts";
import { type Identity, isAnonymous } from "../identity.ts";

/** What can be asked of a list; FULL_CONTROL is all of them. */
export type Right = Exclude<Permission, "FULL_CONTROL">;

/** A bucket or an object, as far as its list is concerned. */
export interface Controlled {
  readonly owner: string;
  /** Absent: nobody but the owner has any right. */
  readonly acl?: readonly Grant[];
}

export function allows(controlled: Controlled, identity: Identity, right: Right): boolean {
  const { owner, acl } = controlled;
  if (owner === identity.id && ownsWith(identity, right)) return true;
  return acl?.some((grant) => gives(grant, identity, right)) ?? false;
}

/** What nobody in particular wrote, anybody may read, but its list stays as it was written. */
function ownsWith(identity: Identity, right: Right): boolean {
  return right !== "WRITE_ACP" || !isAnonymous(identity);
}

function gives({ grantee, permission }: Grant, identity: Identity, right: Right): boolean {
  if (permission !== right && permission !== "FULL_CONTROL") return false;
  if (grantee.type === "user") return grantee.id === identity.id;
  switch (grantee.group) {
    case "AllUsers":
      return true;
    case "AuthenticatedUsers":
      return !isAnonymous(identity);
    case "LogDelivery":
      return false; // a service that delivers access logs; no user is one
    default:
      return unreachable(grantee.group);
  }
}

/** Whether anybody beyond users that are named has any right. */
export function isPublic({ acl }: Controlled): boolean {
  return (
    acl?.some(({ grantee }) => grantee.type === "group" && grantee.group !== "LogDelivery") ?? false
  );
}

/** A bucket's list; none where its owner has switched lists off. */
export function controlOfBucket(bucket: BucketInfo): Controlled {
  return bucket.ownership === "BucketOwnerEnforced" ? { owner: bucket.owner } : bucket;
}

/** An object's list and its owner, which is the bucket's where lists are switched off. */
export function controlOfObject(
  bucket: BucketInfo,
  { owner = bucket.owner, acl }: Pick<ObjectAttributes, "owner" | "acl">,
): Controlled {
  if (bucket.ownership === "BucketOwnerEnforced") return { owner: bucket.owner };
  return acl === undefined ? { owner } : { owner, acl };
}
