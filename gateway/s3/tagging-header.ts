/** x-amz-tagging: tags as a URL-encoded query. */
import { limits } from "../../base/limits.ts";
import { decodeBytes, utf8Of } from "../percent.ts";
import { S3Error } from "./errors.ts";

const KEY_CHARS = 128;
const VALUE_CHARS = 256;

function decode(text: string): string {
  const decoded = utf8Of(decodeBytes(text, true));
  if (decoded === undefined) throw new S3Error("InvalidTag", "A tag is not UTF-8.");
  return decoded;
}

export function parseTagging(text: string): Record<string, string> | undefined {
  const tags = new Map<string, string>();
  for (const pair of text.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const key = decode(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? "" : decode(pair.slice(equals + 1));
    if (key === "" || key.length > KEY_CHARS)
      throw new S3Error("InvalidTag", "The TagKey you have provided is invalid");
    if (value.length > VALUE_CHARS)
      throw new S3Error("InvalidTag", "The TagValue you have provided is invalid");
    if (tags.has(key))
      throw new S3Error("InvalidTag", "Cannot provide multiple Tags with the same key");
    tags.set(key, value);
  }
  if (tags.size > limits.tags)
    throw new S3Error("BadRequest", "Object tags cannot be greater than 10");
  return tags.size === 0 ? undefined : Object.fromEntries(tags);
}
