/** Who may do what: deny unless the route's rule says yes. Headers that ask for what is not there are refused. */
import type { IncomingHttpHeaders } from "node:http";
import { unreachable } from "../base/errors.ts";
import type { BucketInfo } from "../rpc/objects.ts";
import type { Right } from "./acl/evaluate.ts";
import { ObjectJudge } from "./acl/object-judge.ts";
import { mayUseBucket } from "./acl/permissions.ts";
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

/**
 * Judges what can be judged before anything was looked up. The judge that it gives back, for verbs on
 * objects, does the rest.
 */
export function authorize(route: Route, asked: Asked): ObjectJudge | undefined {
  const { access } = route;
  switch (access) {
    case "anyone":
      return undefined;
    case "account":
      return demand(!isAnonymous(asked.identity));
    case "root":
      return demand(asked.identity.id === ROOT_USER);
    case "owner":
      return demand(bucketOf(asked).owner === asked.identity.id);
    case "upload":
      return demand(mayUseBucket(asked.identity, bucketOf(asked), "WRITE"));
    case "bucket:READ":
    case "bucket:WRITE":
    case "bucket:READ_ACP":
    case "bucket:WRITE_ACP": {
      const right = access.slice("bucket:".length) as Right;
      return demand(mayUseBucket(asked.identity, bucketOf(asked), right));
    }
    case "object:READ":
    case "object:READ_ACP":
    case "object:WRITE_ACP": {
      const right = access.slice("object:".length) as Right;
      return new ObjectJudge(asked.identity, bucketOf(asked), right);
    }
    default:
      return unreachable(access);
  }
}

function demand(allowed: boolean): undefined {
  if (!allowed) throw new S3Error("AccessDenied");
}

function bucketOf({ bucket, target, expectedOwner }: Asked): BucketInfo {
  if (bucket === undefined)
    throw new S3Error("NoSuchBucket", undefined, { BucketName: target.bucket });
  if (expectedOwner !== undefined && expectedOwner !== bucket.owner)
    throw new S3Error("AccessDenied");
  return bucket;
}

/** Headers that change what is stored or done in a way that is not implemented, by their beginning. */
const notImplemented = [
  "x-amz-copy-source-server-side-encryption",
  "x-amz-server-side-encryption",
  "x-amz-object-lock-",
  "x-amz-bucket-object-lock-enabled",
  "x-amz-write-offset-bytes",
  "x-amz-rename-source",
  "x-amz-mfa",
] as const;

export function refuseUnknownWishes(headers: IncomingHttpHeaders): void {
  for (const name in headers) {
    if (!name.startsWith("x-amz-")) continue;
    const refused = notImplemented.some((beginning) => name.startsWith(beginning));
    const value = headers[name];
    if (refused && value !== "false")
      throw new S3Error("NotImplemented", `The header ${name} is not implemented.`, {
        Header: name,
      });
  }
}
