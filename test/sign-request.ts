/** A SigV4 signer for tests, written apart from the gateway's own code so that each checks the other. */
import { createHash, createHmac } from "node:crypto";

export interface Signer {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
}

export interface SignedRequest {
  readonly headers: Record<string, string>;
  readonly signature: string;
  /** Signs a chunk or trailer: the digest lines go under the signature before. */
  readonly next: (algorithm: string, digests: string, previous: string) => string;
}

export const sha256 = (data: string | Uint8Array) =>
  createHash("sha256").update(data).digest("hex");
const hmac = (key: string | Buffer, text: string) =>
  createHmac("sha256", key).update(text).digest();

/** Signs a request for a path that is encoded already and a query that is sorted already. */
export function signRequest(
  signer: Signer,
  method: string,
  url: string,
  headers: Record<string, string>,
  payloadHash: string,
  nowMs: number,
): SignedRequest {
  const timestamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, "");
  const date = timestamp.slice(0, 8);
  const scope = `${date}/${signer.region}/s3/aws4_request`;
  const all: Record<string, string> = {
    ...headers,
    "x-amz-date": timestamp,
    "x-amz-content-sha256": payloadHash,
  };
  const names = Object.keys(all)
    .map((name) => name.toLowerCase())
    .filter((name) => name === "host" || name === "content-md5" || name.startsWith("x-amz-"))
    .sort();
  const [path = "", query = ""] = url.split("?");
  const canonicalQuery = query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => (pair.includes("=") ? pair : `${pair}=`))
    .join("&");
  const canonical = [
    method,
    path,
    canonicalQuery,
    ...names.map((name) => `${name}:${all[name] ?? ""}`),
    "",
    names.join(";"),
    payloadHash,
  ].join("\n");
  const key = [date, signer.region, "s3", "aws4_request"].reduce<string | Buffer>(
    hmac,
    `AWS4${signer.secretKey}`,
  );
  const sign = (text: string) => createHmac("sha256", key).update(text).digest("hex");
  const signature = sign(`AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${sha256(canonical)}`);
  const authorization = `AWS4-HMAC-SHA256 Credential=${signer.accessKey}/${scope},SignedHeaders=${names.join(";")},Signature=${signature}`;
  return {
    headers: { ...all, authorization },
    signature,
    next: (algorithm, digests, previous) =>
      sign(`${algorithm}\n${timestamp}\n${scope}\n${previous}\n${digests}`),
  };
}

const encodeText = (text: string) =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** A presigned URL; `query` holds what else it carries, `more` the headers under the signature. */
export function presignUrl(
  signer: Signer,
  method: string,
  path: string,
  query: Record<string, string>,
  more: Record<string, string>,
  nowMs: number,
  expiresS = 60,
  payloadHash = "UNSIGNED-PAYLOAD",
): string {
  const timestamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, "");
  const scope = `${timestamp.slice(0, 8)}/${signer.region}/s3/aws4_request`;
  const names = Object.keys(more).sort();
  const all: Record<string, string> = {
    ...query,
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": `${signer.accessKey}/${scope}`,
    "X-Amz-Date": timestamp,
    "X-Amz-Expires": String(expiresS),
    "X-Amz-SignedHeaders": names.join(";"),
  };
  const canonicalQuery = Object.entries(all)
    .map(([name, value]) => [encodeText(name), encodeText(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
  const lines = names.map((name) => `${name}:${more[name] ?? ""}\n`).join("");
  const canonical = [method, path, canonicalQuery, lines, names.join(";"), payloadHash].join("\n");
  const key = [timestamp.slice(0, 8), signer.region, "s3", "aws4_request"].reduce<string | Buffer>(
    hmac,
    `AWS4${signer.secretKey}`,
  );
  const text = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${sha256(canonical)}`;
  const signature = createHmac("sha256", key).update(text).digest("hex");
  return `${path}?${canonicalQuery}&X-Amz-Signature=${signature}`;
}
