/** The chain of signatures over the chunks and the trailer of a signed `aws-chunked` body. */
import { createHash, type Hash } from "node:crypto";
import { S3Error } from "../s3/errors.ts";
import type { Claim } from "./credential-scope.ts";
import { EMPTY_SHA256, sameSignature } from "./signature.ts";
import type { SigningKey } from "./signing-key.ts";

export class ChunkSignatures {
  readonly #key: SigningKey;
  readonly #middle: string;
  #previous: string;
  #announced = "";
  #hash: Hash | undefined;

  /** The chain starts with the signature of the request's head. */
  constructor(key: SigningKey, claim: Claim) {
    this.#key = key;
    this.#middle = `\n${claim.timestamp}\n${claim.scope}\n`;
    this.#previous = claim.signature;
  }

  begin(signature: string): void {
    this.#announced = signature;
    this.#hash = createHash("sha256");
  }

  update(data: Uint8Array): void {
    this.#hash?.update(data);
  }

  end(): void {
    const digest = this.#hash?.digest("hex") ?? EMPTY_SHA256;
    this.#check("AWS4-HMAC-SHA256-PAYLOAD", `${EMPTY_SHA256}\n${digest}`, this.#announced);
  }

  /** `canonical`: the trailers as `name:value\n`, in the order sent, without the signature. */
  trailer(canonical: string, signature: string): void {
    const digest = createHash("sha256").update(canonical, "latin1").digest("hex");
    this.#check("AWS4-HMAC-SHA256-TRAILER", digest, signature);
  }

  #check(algorithm: string, digests: string, given: string): void {
    const expected = this.#key.sign(`${algorithm}${this.#middle}${this.#previous}\n${digests}`);
    if (!sameSignature(expected, given)) throw new S3Error("SignatureDoesNotMatch");
    this.#previous = given.toLowerCase();
  }
}
