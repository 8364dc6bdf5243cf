/** What a PUT or a new upload says about the object besides its bytes, checked. */
import { limits } from "../../base/limits.ts";
import type { ObjectAttributes } from "../../rpc/objects.ts";
import { STANDARD } from "../../rpc/pool.ts";
import type { Ownership } from "../acl/new-object.ts";
import { type Call, header } from "../call.ts";
import { utf8Of } from "../percent.ts";
import { S3Error } from "./errors.ts";
import { parseTaggingHeader } from "./tagging-header.ts";

const kept = [
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "expires",
  "x-amz-website-redirect-location",
] as const;

const META = "x-amz-meta-";
/** Rows and messages have no field of this name: it would come back as another one. */
const UNKEEPABLE = `${META}__proto__`;

function textOfHeader(name: string, value: string): string {
  const text = utf8Of(value);
  if (text === undefined) throw new S3Error("InvalidArgument", `The header ${name} is not UTF-8.`);
  return text;
}

/** The framing of the body is not part of the object; what else is there stays as it was written. */
function withoutFraming(encoding: string): string {
  if (!/\baws-chunked\b/i.test(encoding)) return encoding;
  return encoding
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding.toLowerCase() !== "aws-chunked" && coding !== "")
    .join(",");
}

function keptHeaders(call: Call): Record<string, string> | undefined {
  let found: Record<string, string> | undefined;
  for (const name of kept) {
    const value = header(call, name);
    if (value === undefined) continue;
    const text = name === "content-encoding" ? withoutFraming(value) : textOfHeader(name, value);
    if (text === "") continue;
    found ??= {};
    found[name] = text;
  }
  return found;
}

function userMetadata(call: Call): Record<string, string> | undefined {
  const found = new Map<string, string>();
  let bytes = 0;
  for (const name in call.headers) {
    if (!name.startsWith(META)) continue;
    if (name === UNKEEPABLE)
      throw new S3Error(
        "InvalidArgument",
        `The header ${name} cannot be kept: choose another name.`,
      );
    const value = header(call, name) ?? "";
    bytes += name.length - META.length + value.length;
    found.set(name.slice(META.length), textOfHeader(name, value));
  }
  if (bytes > limits.userMetadataBytes) throw new S3Error("MetadataTooLarge");
  return found.size === 0 ? undefined : Object.fromEntries(found);
}

/** All but the ETag and the checksum, which are known when the bytes were read. */
export function attributesOf(call: Call, ownership: Ownership): Omit<ObjectAttributes, "etag"> {
  const contentType = header(call, "content-type");
  const headers = keptHeaders(call);
  const metadata = userMetadata(call);
  const storageClass = storageClassOf(call);
  const tags = parseTaggingHeader(header(call, "x-amz-tagging") ?? "");
  return {
    ...ownership,
    ...(contentType === undefined
      ? {}
      : { contentType: textOfHeader("content-type", contentType) }),
    ...(headers === undefined ? {} : { headers }),
    ...(metadata === undefined ? {} : { userMetadata: metadata }),
    ...(tags === undefined ? {} : { tags }),
    ...(storageClass === undefined ? {} : { storageClass }),
  };
}

/** Undefined for the usual one. Whether there is another, the store says. */
function storageClassOf(call: Call): string | undefined {
  const name = header(call, "x-amz-storage-class");
  if (name === undefined || name === STANDARD.name) return undefined;
  if (!/^[A-Z][A-Z0-9_-]{0,63}$/.test(name))
    throw new S3Error("InvalidStorageClass", "A storage class is written in capital letters.");
  return name;
}
