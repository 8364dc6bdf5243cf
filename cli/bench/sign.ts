/** Headers of HTTP requests, signed with AWS Signature Version 4 or not at all. Good for 15 minutes. */
import { createHash, createHmac } from "node:crypto";
import type { HttpRequest } from "./http-request.ts";
import type { Target } from "./request.ts";

type Headers = Readonly<Record<string, string>>;
export type Sign = (request: HttpRequest) => Headers;

const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest("hex");
const hmac = (key: string | Uint8Array, data: string) =>
  createHmac("sha256", key).update(data).digest();

/** A range is not signed, so that one signature serves all ranges of an object. */
export function signer(target: Target, nowMs: number): Sign {
  const { host } = new URL(target.url);
  const { credentials, region, signBody } = target;
  const plain = ({ body }: HttpRequest) => ({ host, "content-length": String(body.length) });
  if (credentials === undefined) return plain;
  const stamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, "");
  const day = stamp.slice(0, 8);
  const scope = `${day}/${region}/s3/aws4_request`;
  const key = [region, "s3", "aws4_request"].reduce<Uint8Array>(
    (previous, part) => hmac(previous, part),
    hmac(`AWS4${credentials.secretKey}`, day),
  );
  const signed = "host;x-amz-content-sha256;x-amz-date";
  const hashes = new WeakMap<Buffer, string>();
  const hashOf = (body: Buffer) => {
    const known = hashes.get(body);
    if (known !== undefined) return known;
    const hash = signBody ? sha256(body) : "UNSIGNED-PAYLOAD";
    hashes.set(body, hash);
    return hash;
  };
  return (request) => {
    const hash = hashOf(request.body);
    const canonical = sha256(
      `${request.method}\n${request.path}\n${request.query}\n` +
        `host:${host}\nx-amz-content-sha256:${hash}\nx-amz-date:${stamp}\n\n${signed}\n${hash}`,
    );
    const signature = hmac(key, `AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${canonical}`);
    return {
      ...plain(request),
      "x-amz-date": stamp,
      "x-amz-content-sha256": hash,
      authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKey}/${scope}, SignedHeaders=${signed}, Signature=${signature.toString("hex")}`,
    };
  };
}
