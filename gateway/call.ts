/** One authorized request, as handlers see it. */
import type { IncomingHttpHeaders } from "node:http";
import type { Clock } from "../base/clock.ts";
import { assert } from "../base/errors.ts";
import type { Store } from "../client/store.ts";
import type { ObjectInfo } from "../rpc/name-service.ts";
import type { BucketInfo } from "../rpc/objects.ts";
import type { Answer } from "./answer.ts";
import type { Identity } from "./identity.ts";
import type { Payload, PayloadWishes } from "./payload.ts";
import type { Target } from "./target.ts";

export interface Call {
  readonly store: Store;
  readonly identity: Identity;
  readonly region: string;
  readonly clock: Clock;
  /** The bucket of the target as it was when the request was allowed. */
  readonly bucket: BucketInfo | undefined;
  readonly target: Target;
  /**
   * Refuses what the route's rule does not allow on the object that was found. To be called before
   * anything is told of it, conditions included; an answer without it is none (see ObjectJudge).
   */
  permit(object: Pick<ObjectInfo, "attributes">): void;
  /** Signed headers and, for a presigned URL, the x-amz-* parameters that stand for headers. */
  readonly headers: IncomingHttpHeaders;
  /** The fields of a form, by name in lower case; only for what is posted as one. */
  readonly form?: ReadonlyMap<string, string>;
  /** Decodes the body; its first byte is asked for when the payload is read. */
  payload(wishes: PayloadWishes): Payload;
}

export type Handler = (call: Call) => Promise<Answer>;

/** A header that is a plain string, or undefined. */
export function header(call: Call, name: string): string | undefined {
  const value = call.headers[name];
  return typeof value === "string" ? value : undefined;
}

/** The bucket of a verb that is only allowed on one that is there. */
export function bucketOf(call: Pick<Call, "bucket">): BucketInfo {
  assert(call.bucket !== undefined, "a verb on a bucket is allowed only where there is one");
  return call.bucket;
}
