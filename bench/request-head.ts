/** Heads of HTTP requests, signed with AWS Signature Version 4 or not at all, made beforehand. */
import { createHash, createHmac } from "node:crypto";

export interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
}

export interface HeadOptions {
  readonly host: string;
  /** Absent: not signed. */
  readonly credentials: Credentials | undefined;
  /** Whether the signature covers the body, which makes the server hash it. */
  readonly signBody: boolean;
}

export type MakeHead = (method: string, path: string) => Buffer;

const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest("hex");
const hmac = (key: string | Uint8Array, data: string) =>
  createHmac("sha256", key).update(data).digest();

/** Makes heads for requests with this body. A head is good for 15 minutes. */
export function headMaker(options: HeadOptions, body: Uint8Array, nowMs: number): MakeHead {
  const { host, credentials, signBody } = options;
  const common = `host: ${host}\r\ncontent-length: ${body.length}\r\n`;
  if (credentials === undefined)
    return (method, path) => Buffer.from(`${method} ${path} HTTP/1.1\r\n${common}\r\n`, "latin1");
  const stamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, "");
  const day = stamp.slice(0, 8);
  const scope = `${day}/${credentials.region}/s3/aws4_request`;
  const key = [credentials.region, "s3", "aws4_request"].reduce<Uint8Array>(
    (previous, part) => hmac(previous, part),
    hmac(`AWS4${credentials.secretKey}`, day),
  );
  const bodyHash = signBody ? sha256(body) : "UNSIGNED-PAYLOAD";
  const signed = "host;x-amz-content-sha256;x-amz-date";
  const canonicalTail = `\n\nhost:${host}\nx-amz-content-sha256:${bodyHash}\nx-amz-date:${stamp}\n\n${signed}\n${bodyHash}`;
  const toSignHead = `AWS4-HMAC-SHA256\n${stamp}\n${scope}\n`;
  const headers =
    `${common}x-amz-date: ${stamp}\r\nx-amz-content-sha256: ${bodyHash}\r\n` +
    `authorization: AWS4-HMAC-SHA256 Credential=${credentials.accessKey}/${scope}, SignedHeaders=${signed}, Signature=`;
  return (method, path) => {
    const canonical = sha256(`${method}\n${path}${canonicalTail}`);
    const signature = hmac(key, toSignHead + canonical).toString("hex");
    return Buffer.from(`${method} ${path} HTTP/1.1\r\n${headers}${signature}\r\n\r\n`, "latin1");
  };
}
