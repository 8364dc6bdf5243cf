/** Signing keys, derived once a day and user and kept as KeyObjects (8 times faster than Buffers). */
import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { limits } from "../../base/limits.ts";

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

/** AWS's key derivation: secret → date → region → service → "aws4_request". */
export function deriveSigningKey(secretKey: string, date: string, region: string): KeyObject {
  const dated = hmac(`AWS4${secretKey}`, date);
  return createSecretKey(hmac(hmac(hmac(dated, region), "s3"), "aws4_request"));
}

interface Entry {
  readonly secretKey: string;
  readonly key: KeyObject;
}

/** Least recently used keys leave first; a rotated secret never meets an old key. */
export class SigningKeys {
  readonly #entries = new Map<string, Entry>();

  get(accessKey: string, secretKey: string, date: string, region: string): KeyObject {
    const name = `${date}/${region}/${accessKey}`;
    const known = this.#entries.get(name);
    if (known !== undefined && known.secretKey === secretKey) {
      if (this.#entries.size > limits.signingKeys / 2) {
        this.#entries.delete(name);
        this.#entries.set(name, known);
      }
      return known.key;
    }
    const key = deriveSigningKey(secretKey, date, region);
    this.#entries.delete(name);
    this.#entries.set(name, { secretKey, key });
    if (this.#entries.size > limits.signingKeys) {
      const oldest = this.#entries.keys().next().value;
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    return key;
  }
}
