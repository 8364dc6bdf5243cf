/** Who may do what: deny unless the route's rule says yes. Headers that ask for what is not there are refused. */
import type { IncomingHttpHeaders } from "node:http";
import type { Clock } from "../base/clock.ts";
import { hasCode, unreachable } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { NameService } from "../rpc/name-service.ts";
import type { Identity } from "./credentials.ts";
import type { Route } from "./routes.ts";
import { S3Error } from "./s3/errors.ts";

/**
 * Owners of buckets, remembered for a second: an owner changes only when a bucket is deleted and
 * made anew by someone else.
 */
export class BucketOwners {
  readonly #names: NameService;
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly owner: string; readonly untilMs: number }>();

  constructor(names: NameService, clock: Clock) {
    this.#names = names;
    this.#clock = clock;
  }

  async ownerOf(bucket: string): Promise<string> {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#known.get(bucket);
    if (known !== undefined && nowMs < known.untilMs) return known.owner;
    this.#known.delete(bucket);
    const { owner } = await this.#names.bucket(bucket);
    if (this.#known.size >= limits.bucketOwners) {
      const oldest = this.#known.keys().next().value;
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    this.#known.set(bucket, { owner, untilMs: nowMs + limits.bucketOwnersMs });
    return owner;
  }

  forget(bucket: string): void {
    this.#known.delete(bucket);
  }
}

export async function authorize(
  route: Route,
  identity: Identity,
  bucket: string,
  expectedOwner: string | undefined,
  owners: BucketOwners,
): Promise<void> {
  switch (route.access) {
    case "account":
      return;
    case "owner": {
      const owner = await ownerOf(bucket, owners);
      if (owner !== identity.userId) throw new S3Error("AccessDenied");
      if (expectedOwner !== undefined && expectedOwner !== owner) throw new S3Error("AccessDenied");
      return;
    }
    default:
      unreachable(route.access);
  }
}

async function ownerOf(bucket: string, owners: BucketOwners): Promise<string> {
  try {
    return await owners.ownerOf(bucket);
  } catch (error) {
    if (hasCode(error, "NoSuchBucket", "InvalidArgument"))
      throw new S3Error("NoSuchBucket", undefined, { BucketName: bucket });
    throw error;
  }
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
