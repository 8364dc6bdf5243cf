/** Canned ACLs: lists that have a name. */
import type { Grant, Permission } from "../../rpc/objects.ts";
import { S3Error } from "../s3/errors.ts";
import type { Group } from "./grantees.ts";

export interface Owners {
  readonly owner: string;
  /** Of the bucket that the object is in. Absent: the list is a bucket's own. */
  readonly bucketOwner?: string;
}

function group(name: Group, ...permissions: Permission[]): Grant[] {
  return permissions.map((permission) => ({
    grantee: { type: "group", group: name },
    permission,
  }));
}

function user(id: string, permission: Permission): Grant {
  return { grantee: { type: "user", id }, permission };
}

/** What a canned ACL grants beyond the owner's full control; one for objects means nothing to buckets. */
function granted(name: string, { owner, bucketOwner = owner }: Owners): Grant[] | undefined {
  switch (name) {
    case "private":
      return [];
    case "public-read":
      return group("AllUsers", "READ");
    case "public-read-write":
      return group("AllUsers", "READ", "WRITE");
    case "authenticated-read":
      return group("AuthenticatedUsers", "READ");
    case "log-delivery-write":
      return group("LogDelivery", "WRITE", "READ_ACP");
    case "bucket-owner-read":
      return bucketOwner === owner ? [] : [user(bucketOwner, "READ")];
    case "bucket-owner-full-control":
      return bucketOwner === owner ? [] : [user(bucketOwner, "FULL_CONTROL")];
    default:
      return undefined;
  }
}

/** @throws S3Error `InvalidArgument` for a name that is none. */
export function cannedGrants(name: string, owners: Owners): readonly Grant[] {
  const grants = granted(name, owners);
  if (grants === undefined)
    throw new S3Error("InvalidArgument", undefined, {
      ArgumentName: "x-amz-acl",
      ArgumentValue: name,
    });
  return [...grants, user(owners.owner, "FULL_CONTROL")];
}

/** The list as it is kept: none where it says what holds without one. */
export function kept(grants: readonly Grant[], owner: string): readonly Grant[] | undefined {
  const [only] = grants;
  const plain =
    grants.length === 1 &&
    only?.permission === "FULL_CONTROL" &&
    only.grantee.type === "user" &&
    only.grantee.id === owner;
  return plain ? undefined : grants;
}
