/** Attributes of an object as headers of an answer. */
import type { ObjectInfo } from "../../rpc/name-service.ts";
import type { ObjectChecksum } from "../../rpc/objects.ts";
import { type Call, header } from "../call.ts";
import { checksumHeader } from "../checksums.ts";
import { fitsHeader, latin1Of, typeHeader } from "../percent.ts";
import { S3Error } from "./errors.ts";
import { readVersionHeader } from "./existing-version.ts";

const overrides = [
  ["response-content-type", "Content-Type"],
  ["response-content-language", "Content-Language"],
  ["response-expires", "Expires"],
  ["response-cache-control", "Cache-Control"],
  ["response-content-disposition", "Content-Disposition"],
  ["response-content-encoding", "Content-Encoding"],
] as const;

const displayed: Readonly<Record<string, string>> = {
  "cache-control": "Cache-Control",
  "content-disposition": "Content-Disposition",
  "content-encoding": "Content-Encoding",
  "content-language": "Content-Language",
  expires: "Expires",
};

/** Refuses what could end a header and begin another. */
export function safeHeaderValue(name: string, value: string): string {
  if (!fitsHeader(value))
    throw new S3Error("InvalidArgument", `${name} must not hold control characters.`);
  return latin1Of(value);
}

/** `checksum`: that of the bytes that are answered, if they have one. */
export function objectHeaders(
  call: Call,
  object: ObjectInfo,
  checksum: ObjectChecksum | undefined,
): Record<string, string> {
  const { attributes } = object;
  const headers: Record<string, string> = {
    ETag: `"${attributes.etag}"`,
    "Last-Modified": new Date(object.modifiedMs).toUTCString(),
    "Accept-Ranges": "bytes",
    "Content-Type": typeHeader(attributes.contentType, "binary/octet-stream"),
  };
  for (const name in attributes.headers)
    headers[displayed[name] ?? name] = latin1Of(attributes.headers[name] ?? "");
  metadataHeaders(attributes.userMetadata, headers);
  Object.assign(headers, readVersionHeader(call, object.version));
  if (attributes.storageClass !== undefined && attributes.storageClass !== "STANDARD")
    headers["x-amz-storage-class"] = attributes.storageClass;
  if (attributes.tags !== undefined)
    headers["x-amz-tagging-count"] = String(Object.keys(attributes.tags).length);
  if (checksum !== undefined && checksumWanted(call)) {
    headers[checksumHeader(checksum.algorithm)] = checksum.value;
    headers["x-amz-checksum-type"] = checksum.type;
  }
  if (call.target.query.size > 0) override(call.target.query, headers);
  return headers;
}

const token = /^[0-9a-z!#$%&'*+.^_`|~-]+$/;

/** What another face gave, and S3 has no header for, is counted. */
function metadataHeaders(
  metadata: Readonly<Record<string, string>> | undefined,
  headers: Record<string, string>,
): void {
  let missing = 0;
  for (const name in metadata) {
    const value = metadata[name] ?? "";
    if (token.test(name) && fitsHeader(value)) headers[`x-amz-meta-${name}`] = latin1Of(value);
    else missing++;
  }
  if (missing > 0) headers["x-amz-missing-meta"] = String(missing);
}

function checksumWanted(call: Call): boolean {
  return header(call, "x-amz-checksum-mode")?.toUpperCase() === "ENABLED";
}

function override(query: ReadonlyMap<string, string>, headers: Record<string, string>): void {
  for (const [parameter, name] of overrides) {
    const value = query.get(parameter);
    if (value !== undefined) headers[name] = safeHeaderValue(parameter, value);
  }
}
