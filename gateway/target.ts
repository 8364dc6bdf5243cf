/**
 * The only URL parser: request target and Host header in, bucket, key and query out. Keys and
 * parameters are percent-decoded exactly once and kept verbatim.
 */
import { limits } from "../base/limits.ts";
import { canonicalPath, decodeBytes, encodeText, utf8Of } from "./percent.ts";
import { S3Error } from "./s3/errors.ts";

export interface Target {
  /** Empty for the service itself. */
  readonly bucket: string;
  /** Empty for the bucket itself. */
  readonly key: string;
  /** Decoded parameters. A parameter that is named twice is refused. */
  readonly query: ReadonlyMap<string, string>;
  /** As signatures want it: each byte in its one spelling. */
  readonly canonicalPath: string;
  /** Encoded path, for the Resource of errors. */
  readonly path: string;
}

const noQuery: ReadonlyMap<string, string> = new Map();

function decodeText(encoded: string, plusIsSpace: boolean): string {
  const text = utf8Of(decodeBytes(encoded, plusIsSpace));
  if (text === undefined) throw new S3Error("InvalidURI", "The URI is not UTF-8.");
  return text;
}

function parseQuery(raw: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const pair of raw.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decodeText(equals < 0 ? pair : pair.slice(0, equals), true);
    if (query.has(name))
      throw new S3Error(
        "InvalidArgument",
        `The query parameter ${JSON.stringify(name)} stands twice.`,
      );
    query.set(name, equals < 0 ? "" : decodeText(pair.slice(equals + 1), true));
  }
  return query;
}

/** The bucket that the host names under the configured domain; undefined means path style. */
export function bucketOfHost(host: string, domain: string | undefined): string | undefined {
  if (domain === undefined) return undefined;
  const colon = host.lastIndexOf(":");
  const name = (colon > host.lastIndexOf("]") ? host.slice(0, colon) : host).toLowerCase();
  const suffix = `.${domain.toLowerCase()}`;
  return name.endsWith(suffix) && name.length > suffix.length
    ? name.slice(0, -suffix.length)
    : undefined;
}

/** Origin form (`/path?query`), or absolute form as proxies send it, without scheme and authority. */
function originForm(url: string): string {
  if (url.startsWith("/")) return url;
  const scheme = /^https?:\/\/[^/?#]*/i.exec(url);
  if (scheme === null) throw new S3Error("InvalidURI");
  const rest = url.slice(scheme[0].length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/** @throws S3Error `KeyTooLongError`. */
export function checkKeyLength(key: string): void {
  if (key.length * 3 > limits.keyBytes && Buffer.byteLength(key) > limits.keyBytes)
    throw new S3Error("KeyTooLongError", undefined, {
      Size: String(Buffer.byteLength(key)),
      MaxSizeAllowed: String(limits.keyBytes),
    });
}

export function parseTarget(url: string, host: string, domain?: string): Target {
  const form = originForm(url);
  const mark = form.indexOf("?");
  const path = mark < 0 ? form : form.slice(0, mark);
  if (path.includes("#")) throw new S3Error("InvalidURI", "A '#' in a key is written %23.");
  const query = mark < 0 ? noQuery : parseQuery(form.slice(mark + 1));
  const hosted = bucketOfHost(host, domain);
  const slash = hosted === undefined ? path.indexOf("/", 1) : 0;
  const bucket = hosted ?? decodeText(slash < 0 ? path.slice(1) : path.slice(1, slash), false);
  const key = slash < 0 ? "" : decodeText(path.slice(slash + 1), false);
  checkKeyLength(key);
  if (bucket === "" && key !== "")
    throw new S3Error("InvalidBucketName", "The path has an empty bucket name.");
  return { bucket, key, query, canonicalPath: canonicalPath(path), path };
}

/** Parameters as signatures want them, without the one that holds the signature itself. */
export function canonicalQuery(query: ReadonlyMap<string, string>, without?: string): string {
  if (query.size === 0) return "";
  const pairs: string[] = [];
  for (const [name, value] of query)
    if (name !== without) pairs.push(`${encodeText(name)}=${encodeText(value)}`);
  // By encoded name, then value; "=" sorts below every character that a name may have but "-" and ".".
  return pairs.length < 2 ? (pairs[0] ?? "") : pairs.sort(byName).join("&");
}

function byName(a: string, b: string): number {
  const nameA = a.slice(0, a.indexOf("="));
  const nameB = b.slice(0, b.indexOf("="));
  return nameA < nameB ? -1 : nameA > nameB ? 1 : 0;
}
