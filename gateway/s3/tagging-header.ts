/** x-amz-tagging: the tags of an object as a URL-encoded query. */
import { limits } from "../../base/limits.ts";
import { decodeBytes, encodeText, utf8Of } from "../percent.ts";
import { S3Error } from "./errors.ts";
import { type Tags, tagsOf } from "./tag-set.ts";

function decode(text: string): string {
  const decoded = utf8Of(decodeBytes(text, true));
  if (decoded === undefined) throw new S3Error("InvalidTag", "A tag is not UTF-8.");
  return decoded;
}

/** Undefined where there is no tag. */
export function parseTaggingHeader(text: string): Tags | undefined {
  const pairs: (readonly [string, string])[] = [];
  for (const pair of text.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const key = decode(equals < 0 ? pair : pair.slice(0, equals));
    pairs.push([key, equals < 0 ? "" : decode(pair.slice(equals + 1))]);
  }
  if (pairs.length > limits.tags)
    throw new S3Error("BadRequest", `Object tags cannot be greater than ${limits.tags}`);
  return pairs.length === 0 ? undefined : tagsOf(pairs);
}

/** The header that says the same. */
export function taggingHeader(tags: Tags): string {
  return Object.entries(tags)
    .map(([key, value]) => `${encodeText(key)}=${encodeText(value)}`)
    .join("&");
}
