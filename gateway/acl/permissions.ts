/** What a user may do with a bucket and with the objects in it. */
import type { BucketInfo, ObjectAttributes } from "../../rpc/objects.ts";
import type { Identity } from "../identity.ts";
import { allows, controlOfBucket, controlOfObject, type Right } from "./evaluate.ts";

export function mayUseBucket(identity: Identity, bucket: BucketInfo, right: Right): boolean {
  return bucket.owner === identity.id || allows(controlOfBucket(bucket), identity, right);
}

interface Described {
  readonly attributes: Pick<ObjectAttributes, "owner" | "acl">;
}

export function mayUseObject(
  identity: Identity,
  bucket: BucketInfo,
  object: Described,
  right: Right,
): boolean {
  return allows(controlOfObject(bucket, object.attributes), identity, right);
}

/** Whether the bytes of an object may be read; what is not there is told only to who may list. */
export function mayRead(identity: Identity, bucket: BucketInfo, object: Described): boolean {
  return mayUseObject(identity, bucket, object, "READ");
}

/** Whether it may be told that a key is not there. */
export function mayList(identity: Identity, bucket: BucketInfo): boolean {
  return mayUseBucket(identity, bucket, "READ");
}
