/** Differential: whatever the AWS SDK's own signer signs is accepted, and the canonical requests agree. */
import { createHash, createHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import { encodeBytes, encodeKey } from "../../gateway/percent.ts";
import { authenticate, claimOf } from "../../gateway/sigv4/authenticate.ts";
import { canonicalRequest } from "../../gateway/sigv4/signature.ts";
import { SigningKeys } from "../../gateway/sigv4/signing-key.ts";
import { parseTarget } from "../../gateway/target.ts";
import type { Chance } from "./chance.ts";
import { check, type Target } from "./rounds.ts";

type Source = string | ArrayBuffer | ArrayBufferView;
const bytesOf = (data: Source) =>
  typeof data === "string"
    ? Buffer.from(data)
    : ArrayBuffer.isView(data)
      ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
      : Buffer.from(data);

class Sha256 {
  readonly #hash;
  constructor(secret?: Source) {
    this.#hash =
      secret === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(secret));
  }
  update(data: Source): void {
    this.#hash.update(bytesOf(data));
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {}
}

class OpenSigner extends SignatureV4 {
  canonical(
    request: Parameters<SignatureV4["presign"]>[0],
    headers: Record<string, string>,
    hash: string,
  ): string {
    return this.createCanonicalRequest(request, headers, hash);
  }
}

const user = { accessKey: "AK/with+signs", secretKey: "secret/+= \u00e9" };
const signer = { secretKey: user.secretKey, id: "user", displayName: "User" };
const sdk = new OpenSigner({
  credentials: { accessKeyId: user.accessKey, secretAccessKey: user.secretKey },
  region: "us-east-1",
  service: "s3",
  sha256: Sha256,
  uriEscapePath: false,
});
const verifier = { keys: new SigningKeys(), region: "us-east-1" };
const signedAt = new Date(Date.UTC(2026, 0, 2, 3, 4, 5));

const encodeText = (text: string) =>
  encodeBytes(Buffer.from(text, "utf8").toString("latin1"), false);

function headersOf(chance: Chance): Record<string, string> {
  const headers: Record<string, string> = { host: "h:9000" };
  headers["x-amz-content-sha256"] = chance.one(["UNSIGNED-PAYLOAD", "a".repeat(64)]);
  for (let left = chance.upTo(4); left > 0; left--) {
    // As Node gives a value that was sent: no controls, no blanks around it.
    const value = chance
      .text(12)
      .replace(/[^\x20-\x7e]/g, "")
      .trim();
    headers[chance.one(["x-amz-meta-", "x-amz-", "range", "if-"]) + chance.word(6).toLowerCase()] =
      value;
  }
  return headers;
}

export const sdkSigner: Target = {
  name: "sdk-signer",
  async run({ chance, trying }) {
    const path = `/bucket/${encodeKey(chance.text(30))}`;
    const query: Record<string, string> = {};
    for (let left = chance.upTo(5); left > 0; left--)
      query[chance.once(3) ? `${chance.word(4)}0` : `${chance.text(6)}1`] = chance.text(8);
    const request = {
      method: chance.one(["GET", "PUT", "DELETE", "POST", "HEAD"]),
      protocol: "http:",
      hostname: "h",
      path,
      query,
      headers: headersOf(chance),
    };
    trying(request);
    const presigned = chance.once(2);
    const signed = presigned
      ? await sdk.presign(request, { signingDate: signedAt, expiresIn: 60 })
      : await sdk.sign(request, { signingDate: signedAt });
    trying(signed);
    const text = Object.entries(signed.query ?? {})
      .map(([name, value]) => `${encodeText(name)}=${encodeText(String(value))}`)
      .join("&");
    const target = parseTarget(`${path}${text === "" ? "" : `?${text}`}`, "h:9000");
    const head = { method: request.method, target, headers: signed.headers };
    const claim = claimOf(head);
    check(claim?.accessKey === user.accessKey, "another access key");
    const { "x-amz-content-sha256": hash = "UNSIGNED-PAYLOAD" } = signed.headers;
    const names = claim.signedHeaders.split(";");
    const theirs = sdk.canonical(
      signed,
      Object.fromEntries(
        names.map((name) => [name, signed.headers[name]?.replace(/ +/g, " ") ?? ""]),
      ),
      hash,
    );
    const ours = canonicalRequest(request.method, target, signed.headers, claim, hash);
    check(ours === theirs, `canonical requests differ:\n${ours}\n---\n${theirs}`);
    authenticate(head, claim, signer, verifier, signedAt.getTime());
    return presigned ? "presigned" : "header";
  },
};
