/** Who may do what: deny unless the route's rule says yes. Headers that ask for what is not there are refused. */
import type { IncomingHttpHeaders } from "node:http";
import { unreachable } from "../base/errors.ts";
import type { BucketInfo } from "../rpc/objects.ts";
import { type Identity, isAnonymous, ROOT_USER } from "./identity.ts";
import type { Route } from "./routes.ts";
import { S3Error } from "./s3/errors.ts";
import type { Target } from "./target.ts";

export interface Asked {
  readonly identity: Identity;
  readonly target: Target;
  /** The bucket as it is, if it is there. */
  readonly bucket: BucketInfo | undefined;
  readonly expectedOwner: string | undefined;
}

export function authorize(route: Route, asked: Asked): void {
  switch (route.access) {
    case "account":
      if (isAnonymous(asked.identity)) throw new S3Error("AccessDenied");
      return;
    case "root":
      if (asked.identity.id !== ROOT_USER) throw new S3Error("AccessDenied");
      return;
    case "owner": {
      const { owner } = bucketOf(asked);
      if (owner !== asked.identity.id) throw new S3Error("AccessDenied");
      return;
    }
    default:
      unreachable(route.access);
  }
}

function bucketOf({ bucket, target, identity, expectedOwner }: Asked): BucketInfo {
  if (bucket === undefined) {
    if (isAnonymous(identity)) throw new S3Error("AccessDenied");
    throw new S3Error("NoSuchBucket", undefined, { BucketName: target.bucket });
  }
  if (expectedOwner !== undefined && expectedOwner !== bucket.owner)
    throw new S3Error("AccessDenied");
  return bucket;
}

/** Headers that change what is stored or done in a way that is not implemented, by their beginning. */
const notImplemented = [
  "x-amz-copy-source",
  "x-amz-server-side-encryption",
  "x-amz-grant-",
  "x-amz-object-lock-",
  "x-amz-bucket-object-lock-enabled",
  "x-amz-write-offset-bytes",
  "x-amz-rename-source",
  "x-amz-mfa",
] as const;

/** Canned ACLs that say what holds anyway: the owner has full control, nobody else any. */
const harmlessAcl = new Set(["private", "bucket-owner-full-control", "bucket-owner-read"]);

export function refuseUnknownWishes(headers: IncomingHttpHeaders): void {
  for (const name in headers) {
    if (!name.startsWith("x-amz-")) continue;
    const refused = notImplemented.some((beginning) => name.startsWith(beginning));
    const value = headers[name];
    if (refused && value !== "false")
      throw new S3Error("NotImplemented", `The header ${name} is not implemented.`, {
        Header: name,
      });
    if (name === "x-amz-acl" && !harmlessAcl.has(String(value)))
      throw new S3Error("NotImplemented", "ACLs other than private are not implemented.");
    if (name === "x-amz-object-ownership" && value !== "BucketOwnerEnforced")
      throw new S3Error("NotImplemented", "Object ownership is always BucketOwnerEnforced.");
  }
}
