/** Signing keys, derived once a day and user, and kept as HMAC-SHA256 uses them. */
import { createHmac, hash } from "node:crypto";
import { limits } from "../../base/limits.ts";

const BLOCK_BYTES = 64;
const SUM_BYTES = 32;
/** What requests and chunks sign is some 300 bytes long. */
const SHORT_BYTES = 1024;

/**
 * A key with the two blocks that HMAC (RFC 2104) puts before what it hashes. Two hashes in one go take
 * 0.6 µs, an HMAC object of Node 1.5.
 */
export class SigningKey {
  /** The inner block and room behind it. */
  readonly #inner = Buffer.alloc(BLOCK_BYTES + SHORT_BYTES);
  /** The outer block and room for the inner sum. */
  readonly #outer = Buffer.alloc(BLOCK_BYTES + SUM_BYTES);

  /** `key` has at most 64 bytes. */
  constructor(key: Uint8Array) {
    for (let i = 0; i < BLOCK_BYTES; i++) {
      const byte = key[i] ?? 0;
      this.#inner[i] = byte ^ 0x36;
      this.#outer[i] = byte ^ 0x5c;
    }
  }

  /** The HMAC-SHA256 of a text's UTF-8, in hex. */
  sign(text: string): string {
    this.#outer.write(hash("sha256", this.#behindInner(text), "latin1"), BLOCK_BYTES, "latin1");
    return hash("sha256", this.#outer, "hex");
  }

  #behindInner(text: string): Uint8Array {
    // A character is at most three bytes.
    if (text.length * 3 > SHORT_BYTES)
      return Buffer.concat([this.#inner.subarray(0, BLOCK_BYTES), Buffer.from(text, "utf8")]);
    const lengthBytes = this.#inner.write(text, BLOCK_BYTES);
    return this.#inner.subarray(0, BLOCK_BYTES + lengthBytes);
  }
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

/** AWS's key derivation: secret → date → region → service → "aws4_request". */
function deriveSigningKey(secretKey: string, date: string, region: string): SigningKey {
  const dated = hmac(`AWS4${secretKey}`, date);
  return new SigningKey(hmac(hmac(hmac(dated, region), "s3"), "aws4_request"));
}

interface Entry {
  readonly secretKey: string;
  readonly key: SigningKey;
}

/** Least recently used keys leave first; a rotated secret never meets an old key. */
export class SigningKeys {
  readonly #entries = new Map<string, Entry>();

  get(accessKey: string, secretKey: string, date: string, region: string): SigningKey {
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
