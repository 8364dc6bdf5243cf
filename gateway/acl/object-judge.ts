/**
 * Holds the verbs on objects to their rule. Whether an object may be used is known only when it was
 * looked up, by the handler; so the handler's answer counts only after it asked here, and what it
 * throws before is told only to those who may know what is there.
 */
import { assert } from "../../base/errors.ts";
import type { BucketInfo } from "../../rpc/objects.ts";
import type { Answer } from "../answer.ts";
import type { Identity } from "../identity.ts";
import { asS3Error, S3Error } from "../s3/errors.ts";
import type { Right } from "./evaluate.ts";
import { mayList, mayUseObject } from "./permissions.ts";

type Judged = Parameters<typeof mayUseObject>[2];

export class ObjectJudge {
  readonly #identity: Identity;
  readonly #bucket: BucketInfo;
  readonly #right: Right;
  #judged = false;

  constructor(identity: Identity, bucket: BucketInfo, right: Right) {
    this.#identity = identity;
    this.#bucket = bucket;
    this.#right = right;
  }

  /** @throws S3Error `AccessDenied`. */
  permit(object: Judged): void {
    if (!mayUseObject(this.#identity, this.#bucket, object, this.#right))
      throw new S3Error("AccessDenied");
    this.#judged = true;
  }

  /** Waits for the answer of a handler that is to call {@link permit}. */
  async guard(answer: Promise<Answer>): Promise<Answer> {
    let given: Answer;
    try {
      given = await answer;
    } catch (error) {
      if (this.#judged || !tells(error) || mayList(this.#identity, this.#bucket)) throw error;
      throw new S3Error("AccessDenied", undefined, {}, { cause: error });
    }
    assert(this.#judged, "a verb on an object asks whether it is allowed");
    return given;
  }
}

/** Whether an error says something about what is stored: 404, 405, 409, 412, 416 and bad parts. */
function tells(error: unknown): boolean {
  const { status, code } = asS3Error(error);
  return (status >= 404 && status < 500) || code === "InvalidPart";
}
